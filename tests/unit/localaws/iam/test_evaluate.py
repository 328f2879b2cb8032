"""Policies decide as IAM documents it."""

import pytest

from localaws.iam.evaluate import Decision, Request, decide, decide_for_service, statements_of

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:beers_app-AbCdEf"
GET = Request("secretsmanager:GetSecretValue", SECRET, {"aws:SourceAccount": "123456789012"})


def allow(**fields: object) -> dict[str, object]:
    return {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": SECRET, **fields}


def deny(**fields: object) -> dict[str, object]:
    return {"Effect": "Deny", "Action": "*", "Resource": "*", **fields}


ALLOWED = [
    pytest.param([allow()], id="the exact action and resource"),
    pytest.param([allow(Action="secretsmanager:Get*")], id="a wildcard in the action"),
    pytest.param([allow(Action="SECRETSMANAGER:getsecretvalue")], id="an action in another case"),
    pytest.param([allow(Action="*", Resource="*")], id="an administrator"),
    pytest.param([allow(Resource=SECRET[:-6] + "??????")], id="question marks for the suffix"),
    pytest.param([allow(Action=["logs:*", "secretsmanager:*"], Resource=["x", SECRET])], id="lists"),
    pytest.param([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], id="an action that is not excluded"),
    pytest.param(
        [{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::*"}],
        id="a resource that is not excluded",
    ),
    pytest.param(
        [allow(Condition={"StringEquals": {"AWS:sourceaccount": ["1", "123456789012"]}})],
        id="a condition whose key is written in another case",
    ),
    pytest.param(
        [allow(Condition={"StringEqualsIfExists": {"aws:ResourceAccount": "1"}})],
        id="IfExists with an absent key",
    ),
    pytest.param(
        [allow(Condition={"StringNotEquals": {"aws:ResourceAccount": "1"}})],
        id="a negated condition with an absent key",
    ),
    pytest.param([allow(Condition={"Null": {"aws:ResourceAccount": True}})], id="Null with an absent key"),
    pytest.param(
        [allow(), deny(Condition={"Bool": {"aws:SecureTransport": "false"}})],
        id="a deny whose condition does not hold",
    ),
    pytest.param([allow(), deny(Action="s3:*")], id="a deny of something else"),
]

DENIED = [
    pytest.param([], id="no statement"),
    pytest.param([allow(Action="secretsmanager:PutSecretValue")], id="another action"),
    pytest.param([allow(Action="secretsmanager:GetSecret")], id="half an action"),
    pytest.param([allow(Resource=SECRET[:-7])], id="the name without the suffix"),
    pytest.param([allow(Resource=SECRET.lower())], id="a resource in another case"),
    pytest.param([allow(Resource="arn.aws.*")], id="a dot is not a wildcard"),
    pytest.param([allow(), deny()], id="a deny after the allow"),
    pytest.param([deny(), allow()], id="a deny before the allow"),
    pytest.param([deny(Action=None, NotAction="s3:*"), allow()], id="NotAction in a deny"),
    pytest.param([allow(Condition={"StringEquals": {"aws:SourceAccount": "1"}})], id="a condition that does not hold"),
    pytest.param([allow(Condition={"StringEquals": {"aws:ResourceAccount": "1"}})], id="a condition on an absent key"),
    pytest.param(
        [allow(Condition={"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})],
        id="an operator that is not understood in an allow",
    ),
    pytest.param(
        [allow(), deny(Condition={"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}})],
        id="an operator that is not understood in a deny",
    ),
    pytest.param(
        [allow(Condition={"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}})],
        id="a policy variable",
    ),
    pytest.param(
        [
            allow(
                Condition={
                    "StringEquals": {"aws:SourceAccount": "123456789012"},
                    "Bool": {"aws:SecureTransport": "true"},
                }
            )
        ],
        id="one of two conditions does not hold",
    ),
]


def without_none(statement: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in statement.items() if value is not None}


@pytest.mark.parametrize("statements", ALLOWED)
def test_a_request_is_allowed_by(statements: list[dict[str, object]]) -> None:
    assert decide([without_none(statement) for statement in statements], GET).allowed


@pytest.mark.parametrize("statements", DENIED)
def test_a_request_is_denied_by(statements: list[dict[str, object]]) -> None:
    assert not decide([without_none(statement) for statement in statements], GET).allowed


@pytest.mark.aws("IAM-30")
def test_a_denial_names_the_missing_action_or_the_statement() -> None:
    missing = "because no identity-based policy allows the secretsmanager:GetSecretValue action"
    assert decide([], GET) == Decision(allowed=False, reason=missing)
    assert decide([deny(Sid="NoSecrets")], GET).reason == "with an explicit deny by the statement NoSecrets"


@pytest.mark.aws("IAM-11")
@pytest.mark.parametrize(
    ("operator", "pattern", "found", "holds"),
    [
        ("ForAllValues:StringLike", "*.x", ("a.x", "b.x"), True),
        ("ForAllValues:StringLike", "*.x", ("a.x", "b.y"), False),
        ("ForAllValues:StringLike", "*.x", (), True),
        ("ForAnyValue:StringLike", "*.x", ("a.y", "b.x"), True),
        ("ForAnyValue:StringLike", "*.x", (), False),
        ("ForAnyValue:StringNotLike", "*.x", ("a.x",), False),
        ("StringLike", "*.x", ("a.x", "b.x"), False),
        ("StringLike", "10*", "1024", True),
        ("StringLike", "10*", "2048", False),
        ("StringNotLike", "10*", "1024", False),
        ("ArnLike", "arn:aws:ecs:us-east-1:1:*", "arn:aws:ecs:us-east-1:1:task/x/y", True),
        ("ArnEquals", "arn:aws:ecs:us-east-1:1:*", "arn:aws:ecs:us-east-1:2:task/x/y", False),
        ("ArnNotLike", "arn:aws:ecs:*", "arn:aws:ecs:us-east-1:1:x", False),
        ("StringNotEquals", "a", "b", True),
        ("Bool", "TRUE", "true", True),
        ("Bool", "false", "true", False),
        ("Null", "true", "present", False),
        ("Null", "false", "present", True),
    ],
)
def test_a_condition_operator_compares_the_value_or_all_or_any_values_of_a_key(
    operator: str, pattern: str, found: str | tuple[str, ...], *, holds: bool
) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {"k": pattern}}}
    assert decide([statement], Request("a:B", "*", {"k": found})).allowed is holds


@pytest.mark.parametrize(
    ("statement", "trusts"),
    [
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, True),
        ({"Principal": {"Service": ["ecs-tasks.amazonaws.com", "lambda.amazonaws.com"]}}, True),
        ({"Principal": {"Service": "ecs-tasks.amazonaws.com"}}, False),
        ({"Principal": "*"}, False),
        ({"Principal": {"AWS": "*"}}, False),
        (
            {
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Condition": {"StringEquals": {"aws:SourceAccount": "9"}},
            },
            False,
        ),
    ],
)
def test_a_trust_policy_names_the_service_that_can_assume_its_role(
    statement: dict[str, object], *, trusts: bool
) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", **statement}
    request = Request("sts:AssumeRole", "*", {"aws:SourceAccount": "1"})
    assert decide_for_service([trust], "lambda.amazonaws.com", request).allowed is trusts


@pytest.mark.parametrize(
    ("statements", "allowed"),
    [
        ([allow(Action="x:Do")], True),
        ([allow(Action="x:Do"), deny(Resource=SECRET)], True),
        ([allow(Action="x:Do"), deny()], False),
        ([], False),
    ],
)
def test_an_unknown_resource_is_covered_by_an_allow_of_any(
    statements: list[dict[str, object]], *, allowed: bool
) -> None:
    assert decide(statements, Request("x:Do", None)).allowed is allowed


def test_a_policy_can_have_one_statement_without_a_list() -> None:
    statement = allow()
    assert statements_of({"Statement": statement}) == statements_of({"Statement": [statement]}) == [statement]


@pytest.mark.parametrize(
    ("statements", "decisive"),
    [
        pytest.param([allow(Sid="one")], "one", id="the only allow"),
        pytest.param([allow(Sid="one"), allow(Sid="two", Action="*")], None, id="either of two allows"),
        pytest.param([allow(Sid="one"), deny(Sid="no")], "no", id="the only deny of what is allowed"),
        pytest.param([allow(Sid="one"), deny(Sid="no"), deny(Sid="never")], None, id="either of two denies"),
        pytest.param([deny(Sid="no")], None, id="a deny of what nothing allows"),
        pytest.param([allow(Sid="one"), deny(Action="s3:*")], "one", id="a deny of something else"),
        pytest.param([], None, id="no statement"),
    ],
)
def test_a_statement_is_decisive_if_without_it_the_decision_would_be_the_other_one(
    statements: list[dict[str, object]], decisive: str | None
) -> None:
    decision = decide(statements, GET)
    assert (decision.decisive or {}).get("Sid") == decisive
    for statement in statements:
        others = [other for other in statements if other is not statement]
        changed = decide(others, GET).allowed != decision.allowed
        assert changed == (decision.decisive is statement)
