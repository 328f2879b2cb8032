"""Compare the gains and losses that a plan states with PostgreSQL's answers."""

from collections.abc import Iterator
from typing import Any

from db_bootstrap.diff.descriptions import UNCHANGED
from db_bootstrap.diff.effective import compare_access
from db_bootstrap.diff.summary import NO_LOSS, summary
from db_bootstrap.effective.access import Access
from db_bootstrap.effective.changes import GRANT_OPTION, OWNERSHIP, Change, groups
from db_bootstrap.model import Attribute, OnColumn, OnDatabase, OnObjects, OnSchema
from db_bootstrap.plan import read_difference
from db_bootstrap.sql import PUBLIC
from tests.support.random_access import NAMES, STRANGER, names_of
from tests.support.workshop import Allowed, Workshop

_WORDS = {"relation": "table", "routine": "function"}


class Claims:
    """The claims of a plan, made before its apply."""

    def __init__(self, workshop: Workshop, document: dict[str, Any]) -> None:
        self.workshop, self.document = workshop, document
        named = workshop.named(document)
        snapshot, _, difference = read_difference(workshop.master, named)
        self.comparison, self.targets = compare_access(snapshot, difference)
        self.before, self.after = self.comparison.before, self.comparison.after
        self.verdict = summary(named, snapshot, difference)[0]
        # The groups of a stranger are read only as far as the document manages them.
        self.roles = {*self._existing(), *names_of(document)} - {*document["retired"]}
        self.roles -= {STRANGER} if document["retired"] else set()
        self.allowed, self.memberships = self._now()

    def _existing(self) -> list[str]:
        found = self.workshop.rows("SELECT rolname FROM pg_roles")
        return [name for name in NAMES if [self.workshop.role(name)] in found]

    def _now(self) -> tuple[Allowed, set[tuple[str, str, str]]]:
        workshop = self.workshop
        existing = self._existing()
        schemas = {name for (name,) in workshop.rows("SELECT nspname FROM pg_namespace")} & {*self.document["schemas"]}
        document = {**self.document, "schemas": {name: self.document["schemas"][name] for name in schemas}}
        roles = [name for name in existing if name in self.roles]
        memberships = {item for item in workshop.memberships(existing) if item[0] in roles}
        return workshop.allowed(document, workshop.things(document, of_anybody=True), roles), memberships

    def assert_true(self) -> None:
        """Compare the claims with what PostgreSQL says after the apply."""
        allowed, memberships = self._now()
        assert (self._memberships(self.before), self._memberships(self.after)) == (self.memberships, memberships)
        things = self.workshop.things(self.document)
        others = {*self.workshop.things(self.document, of_anybody=True)} - {*things}
        judged = {thing.path for thing in things} - {thing.path for thing in others}
        judged |= {f"{path}.id" for path in judged} | {*self.document["schemas"], "database"}
        known = {self.workshop.short(name): role for name, role in self.after.catalog.roles.items()}
        logins = {name for name in self.roles & known.keys() if known[name].attributes[Attribute.LOGIN]}
        for is_loss, one, other in ((True, self.allowed, allowed), (False, allowed, self.allowed)):
            actual = {item for item in one - other if item[1] in judged}
            claimed = {item for item in self._claimed(is_loss, one, other) if item[1] in judged}
            of_tables = {(role, f"{path}.id", privilege) for role, path, privilege in claimed}
            assert claimed <= actual
            assert actual <= claimed | of_tables
            if self.verdict == UNCHANGED or (is_loss and self.verdict == NO_LOSS):
                assert not logins & {role for role, *_ in actual}

    def assert_takes_nothing(self) -> None:
        """Check that there are no losses but those of former owners, and of members declared not to inherit."""
        members = {**self.document["roles"], **self.document["logins"]}.values()
        if not self.workshop.has_options and any(member["inherit"] is False for member in members):
            return
        lost = [change for role in self.roles for change in self._changes(role) if change.is_loss]
        assert {change.privilege for change in lost} <= {OWNERSHIP}
        assert self._memberships(self.before) <= self._memberships(self.after)

    def _claimed(self, is_loss: bool, one: Allowed, other: Allowed) -> Iterator[tuple[str, str, str]]:
        for role in self.roles:
            for change in self._changes(role):
                for kind, path in self._paths(change) if change.is_loss is is_loss else ():
                    every = self.workshop.privileges(kind)
                    option = change.privilege.removeprefix(GRANT_OPTION) + " WITH GRANT OPTION"
                    if change.privilege == OWNERSHIP:
                        assert {(role, path, privilege) for privilege in every} <= one
                        yield from (
                            (role, path, privilege) for privilege in every if (role, path, privilege) not in other
                        )
                    else:
                        yield role, path, option if change.privilege.startswith(GRANT_OPTION) else change.privilege

    def _changes(self, role: str) -> list[Change]:
        name = self.workshop.role(role)
        is_known = name in {*self.before.catalog.roles, *self.after.catalog.roles}
        changes = self.comparison.changes(name if is_known else PUBLIC)  # the sentence on every other role covers it
        return [change._replace(targets=(target,)) for change in changes for target in change.targets]

    def _paths(self, change: Change) -> list[tuple[str, str]]:
        match self.targets[change.targets[0]]:
            case OnDatabase():
                return [("database", "database")]
            case OnSchema(schema):
                return [("schema", schema)]
            case OnColumn(schema, relation, column):
                return [("column", f"{schema}.{relation}.{column}")]
            case OnObjects(schema, kind, names):
                assert names
                return [(_WORDS.get(kind, kind.value), f"{schema}.{name.name}") for name in names]
            case _:
                return []

    def _memberships(self, access: Access) -> set[tuple[str, str, str]]:
        found = {
            (role, way, self.workshop.short(group))
            for role in self.roles
            for way, group in groups(access, self.workshop.role(role))
        }
        return {item for item in found if item[2] in NAMES and (self.workshop.has_options or item[1] != "set")}
