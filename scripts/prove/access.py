"""Claims about Terraform's plan and the database's access."""

from collections.abc import Iterator, Mapping
from typing import Any

from scripts.deployment.saved_plan import differences, sql_of
from scripts.prove.claim import DisprovedError, NotApplicableError, claim
from scripts.prove.target import Target

_BY_LEVEL = {"read": {"SELECT"}, "write": {"SELECT", "INSERT", "UPDATE", "DELETE"}}
_ON_ROWS = _BY_LEVEL["write"]


@claim("plan", 1)
def plan_is_empty(target: Target) -> Iterator[str]:
    """A second plan is empty."""
    made = target.plan()
    if made.changes:
        raise DisprovedError(f"The plan would change {', '.join(differences({}, made.shown))}.")
    yield f"Terraform {made.shown['terraform_version']} plans no change, and the planning function no statement"


@claim("logins", 1)
def logins_have_declared_access(target: Target) -> Iterator[str]:
    """Each login can do with rows exactly what the access document says."""
    wrong = []
    for login, settings in target.document["logins"].items():
        expected = declared(target.document, login)
        for role in [f"{login}_a", f"{login}_b"] if settings["credential"] == "rotated" else [login]:
            found: dict[str, set[str]] = {}
            for right in target.access_of(role):
                if right["kind"] == "table" and right["privilege"] in _ON_ROWS:
                    found.setdefault(right["schema"], set()).add(right["privilege"])
            wrong += [f"{role}: {_shown(found)} instead of {_shown(expected)}"] if found != expected else []
        yield f"{login}: {_shown(expected)}"
    if wrong:
        raise DisprovedError("; ".join(wrong))


def declared(document: Mapping[str, Any], login: str) -> dict[str, set[str]]:
    """Return the privileges on rows, by schema, that a document gives a login by levels and by ownership."""
    found: dict[str, set[str]] = {}
    pending = [login]
    for name in pending:
        settings = {**document["roles"], **document["logins"]}.get(name) or {}
        groups = [*(settings.get("member_of") or []), settings.get("acts_as")]
        pending += [group for group in groups if group and group not in pending]
        for schema, level in (settings.get("schemas") or {}).items():
            found.setdefault(schema, set()).update(_BY_LEVEL[level])
        for schema, owned in document["schemas"].items():
            if owned["owner"] == name:
                found.setdefault(schema, set()).update(_ON_ROWS)
    return found


def _shown(privileges: Mapping[str, set[str]]) -> str:
    return ", ".join(f"{'/'.join(sorted(names))} in {schema}" for schema, names in privileges.items()) or "nothing"


@claim("grant", 6, "Grants DELETE to a reader for some minutes, and applies")
def reverts_a_manual_grant(target: Target) -> Iterator[str]:
    """A manual GRANT is shown by the plan and reverted by the apply."""
    schemas = {role: settings.get("schemas") or {} for role, settings in target.document["roles"].items()}
    readers = [(role, schema) for role, levels in schemas.items() for schema in levels if levels[schema] == "read"]
    if not readers:
        raise NotApplicableError('The document has no role with the level "read" on a schema.')
    role, schema = readers[0]
    target.sql(f'GRANT DELETE ON ALL TABLES IN SCHEMA "{schema}" TO "{role}"')
    try:
        revokes = [line for line in sql_of(target.plan().shown).splitlines() if line.startswith("REVOKE DELETE")]
        if not revokes or "DELETE" not in str(target.access_of(role)):
            raise DisprovedError(f"Plan or planning function do not show DELETE of {role} in {schema}.")
        target.apply()
    except BaseException:
        target.sql(f'REVOKE DELETE ON ALL TABLES IN SCHEMA "{schema}" FROM "{role}"')
        raise
    if target.plan().changes or "DELETE" in str(target.access_of(role)):
        raise DisprovedError(f"After the apply, {role} has DELETE, or the plan is not empty.")
    yield f"The plan showed {revokes[0]}"
    yield "The apply ran it; the next plan is empty"
