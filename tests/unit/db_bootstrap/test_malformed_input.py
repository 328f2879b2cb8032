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
from db_bootstrap.errors import BootstrapError, SecretError
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
