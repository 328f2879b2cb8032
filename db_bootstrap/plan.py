"""The plan for a database: what would make its access what a document declares. Reads only."""

from dataclasses import replace

from db_bootstrap import desired
from db_bootstrap.diff.descriptions import UNCHANGED, describe_undeclared
from db_bootstrap.diff.difference import compare
from db_bootstrap.diff.observed import observe
from db_bootstrap.diff.preflight import missing_objects, refusals
from db_bootstrap.diff.statements import statements
from db_bootstrap.diff.usability import unusable_grants
from db_bootstrap.document.model import AccessDocument
from db_bootstrap.inspect.session import OpenElsewhere, Session
from db_bootstrap.inspect.snapshot import read_catalogs, read_database_comment, read_details, read_identity
from db_bootstrap.model import Difference, Fact, ObjectOwner, Plan, Snapshot
from db_bootstrap.plan_digest import plan_digest, stored_digest


def make_plan(session: Session, document: AccessDocument, elsewhere: OpenElsewhere | None = None) -> Plan:
    """Compare the database with the document, without a lock and without a change.

    ``elsewhere`` opens other databases of the server, for the retired roles.

    Raises:
        StatementError: The catalogs could not be read.
    """
    snapshot, facts, difference = read_difference(session, document, elsewhere)
    steps = statements(document, facts, snapshot, difference)
    return Plan(
        steps,
        refusals(document, snapshot, difference, steps),
        (
            *snapshot.unmanaged,
            *describe_undeclared(difference.kept),
            *missing_objects(document, snapshot),
            *unusable_grants(document, snapshot),
        ),
        _summary(document, snapshot, difference),
    )


def _summary(document: AccessDocument, snapshot: Snapshot, difference: Difference) -> tuple[str, ...]:
    if not difference and not snapshot.retired_roles:
        return (UNCHANGED,)
    from db_bootstrap.diff.summary import summary  # noqa: PLC0415 - a twentieth of the program's start

    return summary(document, snapshot, difference)


def read_difference(
    session: Session, document: AccessDocument, elsewhere: OpenElsewhere | None = None
) -> tuple[Snapshot, frozenset[Fact], Difference]:
    """Return the access of the database, what the document declares, and the difference.

    Raises:
        StatementError: The catalogs could not be read.
    """
    scope, catalogs = read_catalogs(session, document, elsewhere)
    compared = _compared(document, observe(scope, catalogs))
    needs_details = compared[-1] or catalogs.retired_roles
    return _compared(document, read_details(session, scope, catalogs)) if needs_details else compared


def _compared(document: AccessDocument, snapshot: Snapshot) -> tuple[Snapshot, frozenset[Fact], Difference]:
    adopted = [
        replace(fact, owner=document.schemas[fact.schema].owner)
        for fact in (snapshot.facts if any(schema.adopt for schema in document.schemas.values()) else ())
        if isinstance(fact, ObjectOwner)
    ]
    objects = desired.object_facts(document, snapshot.server, snapshot.groups, snapshot.columns)
    facts = desired.facts(document, snapshot.server, snapshot.creation_rights).union(objects, adopted)
    return snapshot, facts, compare(document, facts, snapshot.facts)


def digest_for(session: Session, host: str, planned: Plan) -> str:
    """Return the digest by which an apply runs exactly this plan on this database, or nothing.

    With nothing to do it is the digest that the database stores, of the last reviewed plan that ran; so it stays the
    same while nothing changes. "" if there was none.
    """
    stored = stored_digest(read_database_comment(session))
    if not planned.statements:
        return stored
    return plan_digest(read_identity(session, host), planned.statements, stored)
