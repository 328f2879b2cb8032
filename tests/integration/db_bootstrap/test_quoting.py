"""Names that would break anything that is pasted together instead of quoted, from the document to the first login."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db_bootstrap.credentials.initial import Outcome, ensure_credential
from db_bootstrap.credentials.store import SecretStore
from db_bootstrap.document import parse_document
from db_bootstrap.inspect.session import Session, connected_as_master
from db_bootstrap.model import Credential
from tests.support.access import UNUSUAL_NAMES, Access
from tests.support.rotation import SecretsManager

pytestmark = pytest.mark.database


def document(cellar: Access, name: str) -> dict[str, Any]:
    """One that uses a name for a schema, for a login, and in a role's name."""
    owner = name[:20] + " o"
    return {
        "database": cellar.database.name,
        "schemas": {name: {"owner": owner}},
        "roles": {owner: {}, name[:20] + " w": {"schemas": {name: "write"}}},
        "logins": {
            name: {
                "credential": "rotated",
                "member_of": [name[:20] + " w"],
                "acts_as": owner,
                "settings": {"search_path": [name], "application_name": "x"},
            }
        },
    }


@pytest.mark.parametrize("name", UNUSUAL_NAMES)
def test_a_name_is_literal_from_the_document_to_the_first_login(
    name: str, cellar: Access, manager: SecretsManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    cellar.raw = document(cellar, name)
    before = roles(cellar)
    cellar.apply()
    assert roles(cellar) - before == parse_document(cellar.raw).role_names
    store = SecretStore(manager.client)
    arn = manager.client.create_secret(Name=cellar.database.name)["ARN"]
    with cellar.master() as master:
        assert ensure_credential(master, cellar.endpoint, store, name, arn).outcome is Outcome.CREATED
        assert ensure_credential(master, cellar.endpoint, store, name, arn).outcome is Outcome.KEPT
    secret = json.loads(manager.client.get_secret_value(SecretId=arn)["SecretString"])
    assert secret["username"] == name + "_a"
    monkeypatch.setattr("db_bootstrap.inspect.session._SETTINGS", {})  # they would precede the login's settings
    credential = Credential(secret["username"], secret["password"])
    with connected_as_master(cellar.endpoint, lambda: credential) as session:
        session.run("CREATE TABLE wine (id int)")
        assert who(session) == [name + "_a", name[:20] + " o", name]
    monkeypatch.undo()
    assert cellar.plan().statements == ()
    cellar.raw["roles"][name[:20] + " w"]["schemas"] = {}
    cellar.raw["logins"] = {}
    cellar.raw["retired"] = {retired: {} for retired in (name, name + "_a", name + "_b")}
    cellar.apply()
    assert not roles(cellar) & cellar.raw["retired"].keys()
    assert cellar.plan().statements == ()


@given(
    names=st.lists(
        st.sampled_from(["null", "NULL", "Null", ""]) | st.text(st.characters(codec="utf-8", exclude_characters="\0"))
    )
)
def test_lists_of_names_reach_postgresql_unchanged(names: list[str], settled_cellar: Access) -> None:
    with settled_cellar.master() as master:
        assert master.run("SELECT CAST(:names AS text[])", names=names) == [[names]]


def roles(cellar: Access) -> set[str]:
    return {name for (name,) in cellar.as_superuser("SELECT rolname FROM pg_roles")}


def who(session: Session) -> list[str]:
    """Return who logged in, as whom it acts, and where its table is."""
    rows = session.run(
        "SELECT session_user::text, current_user::text, nspname::text"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relname = 'wine'"
    )
    return [str(value) for value in (rows or [[]])[0]]
