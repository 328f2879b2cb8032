"""Events and secrets of any content: only errors of this package leave a handler."""

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db_bootstrap.credentials.initial import credential_in
from db_bootstrap.credentials.rotation import RotationEvent
from db_bootstrap.credentials.store import SecretStore
from db_bootstrap.effective.questions import Question
from db_bootstrap.errors import BootstrapError, EventError, SecretError
from db_bootstrap.lambdas.apply import ApplyEvent
from db_bootstrap.lambdas.overdue import WatchEvent
from db_bootstrap.lambdas.plan import PlanEvent
from tests.support.documents import beers

TEXTS = st.text(max_size=4) | st.sampled_from(["apply", "plan", "who", "beers.beers", "\ud800", "a\0", "1" * 5000])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([10**400, -(10**12)]) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)
PARSERS: dict[Callable[[Any], object], dict[str, Any]] = {
    ApplyEvent.parse: {
        "action": "apply",
        "document": beers(),
        "secret_arns": {"beers_app": "arn", "beers_migrator": "arn"},
        "expected_digest": None,
    },
    PlanEvent.parse: {"action": "plan", "document": beers()},
    Question.parse: {"action": "why", "of": "beers_app", "on": "beers.beers", "privilege": None},
    RotationEvent.parse: {"Step": "createSecret", "SecretId": "arn", "ClientRequestToken": "1"},
    WatchEvent.parse: {"overdue_after_days": {"arn": 32}},
}


@pytest.mark.parametrize("parse", PARSERS)
@given(st.data())
def test_any_event_is_either_understood_or_refused(parse: Callable[[Any], object], data: st.DataObject) -> None:
    event = PARSERS[parse]
    # The planning function passes only questions on.
    key = data.draw(st.sampled_from(sorted(event.keys() - ({"action"} if "of" in event else set()))))
    value = event[key]
    if isinstance(value, Mapping) and data.draw(st.booleans()):
        changed: Any = {**value, data.draw(st.sampled_from(sorted(value)) | TEXTS): data.draw(JSON)}
    else:
        changed = data.draw(JSON)
    try:
        parse({**event, key: changed})
    except BootstrapError as refused:
        str(refused).encode()


APPLY, PLAN, _, ROTATE, WATCH = PARSERS
NO_DAYS: tuple[object, ...] = (None, [], {"a": 0}, {"a": "9"})


@pytest.mark.parametrize(
    ("parse", "change", "message"),
    [
        (APPLY, {"action": "destroy"}, "must be 'apply'"),
        (APPLY, {"expected_digest": "sha256:12"}, "must be a digest that plan returned"),
        (APPLY, {"surprise": 1}, "must have action, document and secret_arns"),
        (APPLY, {"secret_arns": {}}, "must name exactly the document's rotated logins"),
        (APPLY, {"secret_arns": ["arn"]}, "must map each rotated login"),
        (APPLY, None, "it has list"),
        (PLAN, {"action": "apply"}, "This function cannot apply"),
        (PLAN, {"surprise": 1}, "must have the keys action and document"),
        (PLAN, None, "and has list"),
        (PLAN, {"action": ["plan"]}, "must be 'plan' or 'verify'"),
        (ROTATE, None, "must have Step, SecretId and ClientRequestToken"),
        (ROTATE, {"SecretId": ""}, "must have Step, SecretId"),
        (ROTATE, {"ClientRequestToken": 1}, "must have Step, SecretId"),
        (ROTATE, {"Step": "create_secret"}, "must be one of createSecret, .* is 'create_secret'"),
        (ROTATE, {"Step": ["createSecret"]}, "must be one of createSecret"),
        (WATCH, None, "overdue_after_days"),
        *((WATCH, {"overdue_after_days": days}, "overdue_after_days") for days in NO_DAYS),
    ],
)
def test_an_event_that_is_wrong_is_refused_with_what_it_must_be(
    parse: Callable[[Any], object], change: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(EventError, match=message):
        parse([] if change is None else PARSERS[parse] | change)


@given(
    JSON.map(json.dumps) | st.text() | st.dictionaries(st.sampled_from(["username", "password"]), JSON).map(json.dumps)
)
def test_any_secret_has_a_credential_or_is_refused(text: str) -> None:
    missing = SimpleNamespace(ResourceNotFoundException=KeyError)
    client = SimpleNamespace(
        exceptions=missing, get_secret_value=lambda **_: {"SecretString": text, "VersionId": "1", "ARN": "arn"}
    )
    store = SecretStore(client)  # type: ignore[arg-type]
    reads: tuple[Callable[[], object], ...] = (
        lambda: store.master("arn"),
        lambda: credential_in(store.current("arn"), "beers_app", "arn"),  # type: ignore[arg-type]
    )
    for read in reads:
        try:
            read()
        except SecretError as refused:
            str(refused).encode()
