"""The plan for a database: what would make its access what a document declares. Reads only."""

from dataclasses import replace

from db_bootstrap import desired
from db_bootstrap.diff.descriptions import describe_undeclared
from db_bootstrap.diff.difference import compare
from db_bootstrap.diff.preflight import missing_objects, refusals
from db_bootstrap.diff.statements import statements
from db_bootstrap.diff.summary import summary
from db_bootstrap.diff.usability import unusable_grants
from db_bootstrap.document import AccessDocument
from db_bootstrap.inspect.session import OpenElsewhere, Session
from db_bootstrap.inspect.snapshot import database_comment, identity, read_snapshot
from db_bootstrap.model import Fact, ObjectOwner, Plan, Snapshot
from db_bootstrap.plan_digest import plan_digest, stored_digest


def make_plan(session: Session, document: AccessDocument, elsewhere: OpenElsewhere | None = None) -> Plan:
    """Compare the database with the document, without a lock and without a change.

    Args:
        session: As the master.
        document: The desired access.
        elsewhere: Opens other databases of the server, for the retired roles.

    Raises:
        StatementError: The catalogs could not be read.
    """
    snapshot = read_snapshot(session, document, elsewhere)
    facts = desired_facts(document, snapshot)
    difference = compare(document, facts, snapshot.facts)
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
        summary(document, snapshot, difference),
    )


def desired_facts(document: AccessDocument, snapshot: Snapshot) -> frozenset[Fact]:
    """Return all facts that the document declares, on the objects of the snapshot too."""
    objects = desired.object_facts(document, snapshot.server, snapshot.groups, snapshot.columns)
    adopted = [
        replace(fact, owner=document.schemas[fact.schema].owner)
        for fact in (snapshot.facts if any(schema.adopt for schema in document.schemas.values()) else ())
        if isinstance(fact, ObjectOwner)
    ]
    return desired.facts(document, snapshot.server, snapshot.settled_defaults) | objects | frozenset(adopted)


def digest_for(session: Session, host: str, planned: Plan) -> str:
    """Return the digest by which an apply runs exactly this plan on this database, or nothing.

    With nothing to do it is the digest that the database stores, of the last reviewed plan that ran; so it stays the
    same while nothing changes. "" if there was none.
    """
    stored = stored_digest(database_comment(session))
    if not planned.statements:
        return stored
    return plan_digest(identity(session, host), planned.statements, stored)
