"""The layers that each call passes through."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localaws.http.call import Answer, ApiCall
from localaws.http.faults import Faults
from localaws.http.middleware import journaled, not_implemented, repeated, replayed, serialized
from localaws.journal import Journal

OK = Answer(200, (), b"{}")


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl")


def call(
    operation: str = "CreateThing",
    *,
    service: str = "ecs",
    key: str = "key",
    token: str | None = None,
    body: bytes = b"",
    protocol: str = "json",
) -> ApiCall:
    return ApiCall(service, operation, {}, key, protocol, token, {}, body)


class Counting:
    """A handler that answers each call with its number."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.calls = 0

    def __call__(self, made: ApiCall) -> Answer:
        self.calls += 1
        return Answer(self.status, (), str(self.calls).encode())


@pytest.mark.parametrize(
    ("calls", "answers"),
    [
        pytest.param([call(token="a"), call(token="a")], [b"1", b"1"], id="the same token"),
        pytest.param([call(token="a"), call(token="b")], [b"1", b"2"], id="another token"),
        pytest.param([call(), call()], [b"1", b"2"], id="no token"),
        pytest.param([call(token="a"), call(token="a", body=b"x")], [b"1", b"2"], id="another request"),
        pytest.param([call(token="a"), call("Other", token="a")], [b"1", b"2"], id="another operation"),
        pytest.param(
            [call(service="secretsmanager", token="a")] * 2, [b"1", b"2"], id="a service that handles its tokens"
        ),
    ],
)
def test_a_call_is_replayed_by_its_token(journal: Journal, calls: list[ApiCall], answers: list[bytes]) -> None:
    handle = replayed(Counting(), journal)
    assert [handle(made).body for made in calls] == answers


def test_a_failed_call_is_not_replayed(journal: Journal) -> None:
    handle = replayed(Counting(status=400), journal)
    assert [handle(call(token="a")).body for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize(
    ("calls", "statuses"),
    [
        pytest.param([call("CreateQueue"), call("CreateQueue")], [400, 200], id="the second is made"),
        pytest.param([call("CreateA"), call("DeleteA"), call("CreateA", service="sns")], [400] * 3, id="each kind"),
        pytest.param([call("DescribeVpcs"), call("ModifyVpcAttribute")], [200, 200], id="neither reads nor changes"),
        pytest.param([call("CreateQueue", key="administrator")], [200], id="not the administrator's"),
        pytest.param([call("DeleteObject", service="s3")], [200], id="not Terraform's lock"),
    ],
)
def test_on_demand_the_first_call_of_a_role_that_creates_or_deletes_fails(
    calls: list[ApiCall], statuses: list[int]
) -> None:
    faults = Faults()
    handle = faults.middleware(Counting(), lambda key: key != "administrator")
    assert {handle(made).status for made in calls} == {200}
    faults.ask_for()
    answers = [handle(made) for made in calls]
    assert [answer.status for answer in answers] == statuses
    assert len(faults.failed) == sum(b"InjectedFault" in answer.body for answer in answers) == statuses.count(400)


def test_calls_of_one_service_wait_for_each_other_and_those_of_another_do_not() -> None:
    inside: set[str] = set()
    together: set[frozenset[str]] = set()
    guard, meeting = threading.Lock(), threading.Barrier(2)

    def slow(made: ApiCall) -> Answer:
        name = f"{made.service} {made.operation}"
        with guard:
            inside.add(name)
        if made.operation != "B":
            meeting.wait(60)
        with guard:
            together.add(frozenset(inside))
            inside.discard(name)
        return OK

    handle = serialized(slow)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(handle, [call("A"), call("B"), call("C", service="rds")]))
    assert not any({"ecs A", "ecs B"} <= at_once for at_once in together)
    assert any({"rds C"} < at_once for at_once in together)


@pytest.mark.parametrize(("operation", "is_repeated"), [("DescribeThings", True), ("CreateThing", False)])
def test_a_read_that_meets_a_change_is_repeated_and_a_change_is_not(operation: str, *, is_repeated: bool) -> None:
    things, met = {"a": 1}, list[str]()

    def changed_by_another_thread(made: ApiCall) -> Answer:
        for thing in things:
            if not met:
                met.append(thing)
                things["b"] = 2
        return OK

    handle = repeated(changed_by_another_thread)
    if is_repeated:
        assert handle(call(operation)) == OK
    else:
        with pytest.raises(RuntimeError, match="changed size during iteration"):
            handle(call(operation))


def test_any_error_in_moto_is_a_501_that_names_the_operation_and_escapes_the_reason(journal: Journal) -> None:
    def broken(made: ApiCall) -> Answer:
        raise KeyError("<&>")

    answer = not_implemented(broken, journal)(call(service="s3", protocol="rest-xml"))
    assert answer.status == 501
    assert (
        b"<Error><Code>NotImplemented</Code><Message>moto failed at s3 CreateThing: KeyError: '&lt;&amp;&gt;'"
        in answer.body
    )


@pytest.mark.parametrize(
    ("answer", "service", "status"),
    [
        pytest.param(Answer(404, (), b""), "ecs", 501, id="an empty 404 is moto's routing"),
        pytest.param(Answer(404, (), b"<!doctype html><title>404"), "lambda", 501, id="so is a page"),
        pytest.param(Answer(404, (), b'{"Message": "Function not found"}'), "lambda", 404, id="a service's own 404"),
        pytest.param(Answer(404, (), b""), "s3", 404, id="the head of a missing object"),
    ],
)
def test_a_404_of_the_routing_is_distinguished_from_one_of_a_service(
    journal: Journal, answer: Answer, service: str, status: int
) -> None:
    assert not_implemented(lambda made: answer, journal)(call(service=service)).status == status


def test_the_journal_quotes_errors_and_never_answers(journal: Journal) -> None:
    answers = iter([Answer(200, (), b"a secret"), Answer(400, (), b"a reason")])
    handle = journaled(lambda made: next(answers), journal, lambda key: f"named {key}")
    handle(call(body=b"a secret"))
    handle(call())
    events = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert [(event["caller"], event["status"], event.get("said")) for event in events] == [
        ("named key", 200, None),
        ("named key", 400, "a reason"),
    ]
    assert "a secret" not in journal.path.read_text()
