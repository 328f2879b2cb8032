"""What an apply changes, as sentences for reviewers: what each login gains and loses, losses first."""

import re
from collections.abc import Iterable, Iterator

from db_bootstrap.desired import IAM_ROLE, login_roles
from db_bootstrap.diff.descriptions import join_names
from db_bootstrap.diff.effective import (
    GRANT_OPTION,
    OWNERSHIP,
    Change,
    OnFutureObjects,
    State,
    changes,
    states,
    subjects,
)
from db_bootstrap.document import AccessDocument, CredentialKind
from db_bootstrap.model import (
    Attribute,
    Difference,
    ObjectKind,
    OnColumn,
    OnDatabase,
    OnObjects,
    OnSchema,
    RoleExists,
    RoleSetting,
    Snapshot,
    Target,
    sorted_facts,
)
from db_bootstrap.sql import PUBLIC, identifier

UNCHANGED = "Access does not change."
NO_LOSS = "No login loses access."

MAXIMUM_SENTENCES = 40
MAXIMUM_NAMES = 3
"""Objects and logins up to this number are named, others are counted."""

_PLURAL = {"can": "can", "gains": "gain", "has": "have", "is": "are", "loses": "lose", "starts": "start"}
_NOUNS = {
    ObjectKind.RELATION: "table",
    ObjectKind.SEQUENCE: "sequence",
    ObjectKind.ROUTINE: "routine",
    ObjectKind.TYPE: "type",
}
_CREDENTIALS = {
    CredentialKind.ROTATED: "a rotated password",
    CredentialKind.IAM: "IAM authentication",
    CredentialKind.EXTERNAL: "a credential that is managed elsewhere",
}
_OPTIONS = {"inherit": "inheritance from", "set": "SET ROLE"}
_EVERY_OTHER_ROLE = "every other role"

_FUTURE = 4
"""The last kind of targets in a sentence."""

_Clause = tuple[bool, str, str]
"""Whether it is about a loss; a role, or `sql.PUBLIC`; and what a sentence says about it, beginning with a verb."""


def summary(document: AccessDocument, snapshot: Snapshot, difference: Difference) -> tuple[str, ...]:
    """Return the sentences; only `UNCHANGED` if no access changes."""
    if not difference and not snapshot.retired_roles:
        return (UNCHANGED,)
    before, after = states(snapshot, difference)
    said: dict[bool, dict[str, list[str]]] = {True: {}, False: {}}
    for is_loss, role, predicate in _clauses(document, snapshot, difference, before, after):
        said[is_loss].setdefault(predicate, []).append(role)
    losses, gains = (
        [_sentence(predicate, roles, document) for predicate, roles in said[is_loss].items()]
        for is_loss in (True, False)
    )
    sentences = [*(losses or [NO_LOSS]), *gains] if losses or gains else [UNCHANGED]
    if len(sentences) > MAXIMUM_SENTENCES:
        rest = len(sentences) - MAXIMUM_SENTENCES + 1
        sentences = [*sentences[:-rest], f"{rest} more sentences are left out; the SQL has all changes."]
    return tuple(sentences)


def _clauses(
    document: AccessDocument, snapshot: Snapshot, difference: Difference, before: State, after: State
) -> Iterator[_Clause]:
    yield from _retired(document, snapshot)
    yield from _created(document, difference)
    yield from _attributes(before, after)
    yield from _authentication(document, before, after)
    yield from _sessions(difference)
    for role in subjects(document, snapshot, before, after):
        aliases = frozenset(name for name, login in document.logins.items() if role in login_roles(name, login))
        changed = [*changes(before, after, role, aliases)]
        if role not in document.role_names():  # the sentence on every other role covers it
            changed = [change for change in changed if change.through != PUBLIC]
        for is_loss, verb, one, other in ((True, "loses", before, after), (False, "gains", after, before)):
            yield from (
                (is_loss, role, f"{verb} {phrase}")
                for phrase in (
                    *_privileges(change for change in changed if change.is_loss is is_loss),
                    *_memberships(one.ways(role) - other.ways(role), {*aliases, IAM_ROLE}),
                )
            )


def _sentence(predicate: str, roles: list[str], document: AccessDocument) -> str:
    named = {*roles}
    for name, login in document.logins.items():
        if named.issuperset(both := login_roles(name, login)):
            named = (named - {*both}) | {name}
    labels = [_label(role, document) for role in sorted(named, key=lambda role: (role == PUBLIC, role))]
    verb, rest = predicate.split(" ", 1)
    who = _few(labels) if labels[0] != _EVERY_OTHER_ROLE else labels[0].capitalize()
    return f"{who} {verb if len(labels) == 1 else _PLURAL[verb]} {rest}."


def _label(role: str, document: AccessDocument) -> str:
    if role == PUBLIC:
        return _EVERY_OTHER_ROLE
    if role not in document.role_names() | document.retired.keys():
        return f"{_name(role)} (not declared)"
    return _name(role)


def _retired(document: AccessDocument, snapshot: Snapshot) -> Iterator[_Clause]:
    for role in snapshot.retired_roles:
        successor = document.retired[role.role].reassign_to
        count = sum(role.owned().values())
        fate = "dropped with all data" if successor is None else f"passed to {_name(successor)}"
        objects = f"; {_counted(count, 'object')} of it will be {fate}" if count else ""
        yield True, role.role, f"is dropped and loses all access{objects}"


def _created(document: AccessDocument, difference: Difference) -> Iterator[_Clause]:
    new = {fact.role for fact in sorted_facts(difference.missing, RoleExists)}
    for name, login in document.logins.items():
        roles = new.intersection(login_roles(name, login))
        new -= {*roles, name} if roles else set()
        yield from ((False, role, f"is created with {_CREDENTIALS[login.credential]}") for role in sorted(roles))
    yield from ((False, role, "is created without the right to log in") for role in sorted(new))


def _attributes(before: State, after: State) -> Iterator[_Clause]:
    for role, attribute in sorted(before.attributes):
        old, new = (state.attributes.get((role, attribute)) for state in (before, after))
        if old == new or attribute is Attribute.INHERIT:
            continue
        if attribute is Attribute.CONNECTION_LIMIT:
            limits = [-1 if value is None else int(value) for value in (old, new)]
            shown = ["no connection limit" if limit < 0 else f"a connection limit of {limit}" for limit in limits]
            is_loss = limits[1] >= 0 and (limits[0] < 0 or limits[1] < limits[0])
            yield is_loss, role, f"has {shown[1]} instead of {shown[0]}"
        elif attribute is Attribute.VALID_UNTIL:
            yield new is not None, role, f"has a password {_validity(new)} instead of one {_validity(old)}"
        else:
            yield not new, role, f"{'gains' if new else 'loses'} {attribute.value.upper()}"


def _authentication(document: AccessDocument, before: State, after: State) -> Iterator[_Clause]:
    for role in sorted(document.logins):
        uses_iam = [IAM_ROLE in state.groups.get(role, {}) for state in (before, after)]
        if role not in before.absent and uses_iam == [False, True]:
            yield True, role, "can log in with IAM authentication only, no longer with a password"
        elif uses_iam == [True, False]:
            yield True, role, "can no longer log in with IAM authentication"


def _sessions(difference: Difference) -> Iterator[_Clause]:
    settings = {
        fact.role: fact.value[0] for fact in sorted_facts(difference.missing, RoleSetting) if fact.name == "role"
    }
    for role, group in settings.items():
        yield False, role, f"starts sessions as {_name(group)}"
    for fact in sorted_facts(difference.surplus, RoleSetting):
        if fact.name == "role" and fact.role not in settings:
            yield True, fact.role, f"starts sessions no longer as {_name(fact.value[0])}"


def _validity(value: object) -> str:
    return "without an expiry date" if value is None else f"that expires on {value}"


def _privileges(changed: Iterable[Change]) -> Iterator[str]:
    """Yield the privileges that come from the same role, with their targets."""
    by_target: dict[tuple[str, Target | OnFutureObjects], set[str]] = {}
    for change in changed:
        by_target.setdefault((change.through or "", change.target), set()).add(change.privilege)
    targets: dict[tuple[str, tuple[str, ...]], list[Target | OnFutureObjects]] = {}
    for (through, target), privileges in by_target.items():
        shown = {privilege for privilege in privileges if privilege.removesuffix(GRANT_OPTION) == privilege}
        shown |= {
            f"the grant option of {privilege.removesuffix(GRANT_OPTION)}"
            for privilege in privileges - shown
            if privilege.removesuffix(GRANT_OPTION) not in shown
        }
        targets.setdefault((through, tuple(sorted(shown))), []).append(target)
    for (through, shown_privileges), on in sorted(targets.items(), key=lambda item: item[0]):
        path = f" through {'PUBLIC' if through == PUBLIC else _name(through)}" if through else ""
        preposition = "of" if shown_privileges == (OWNERSHIP,) else "on"
        yield f"{join_names(shown_privileges)} {preposition} {join_names(_targets(on))}{path}"


def _memberships(ways: Iterable[tuple[str, str]], others: Iterable[str]) -> Iterator[str]:
    """Yield the groups that a role joins or leaves, with the options if they are not the usual ones."""
    options: dict[str, set[str]] = {}
    for option, group in ways:
        options.setdefault(group, set()).add(option)
    for group in sorted(options.keys() - {*others}):
        is_whole = {"inherit", "set"} <= options[group]
        shown = (
            ["membership in"] if is_whole else [text for option, text in _OPTIONS.items() if option in options[group]]
        )
        if "admin" in options[group]:
            shown.append("ADMIN OPTION on")
        yield join_names(f"{text} {_name(group)}" for text in shown)


def _targets(targets: Iterable[Target | OnFutureObjects]) -> Iterator[str]:
    """Yield the targets of each kind together."""
    kinds: dict[tuple[int, str], list[tuple[str, int, str]]] = {}
    for target in targets:
        match target:
            case OnDatabase():
                entry, kind = [(_name(target.database), 1, "")], (0, "database")
            case OnSchema():
                entry, kind = [(_name(target.schema), 1, "")], (1, "schema")
            case OnObjects():
                named = [(_qualified(target.schema, *name), 1, target.schema) for name in target.names]
                entry, kind = named or [("", target.count, target.schema)], (2, _NOUNS[target.kind])
            case OnColumn():
                relation = _qualified(target.schema, target.relation)
                entry, kind = [(f"{_name(target.column)} of {relation}", 1, target.schema)], (3, "column")
            case OnFutureObjects():
                where = f"in schema {_name(target.schema)}" if target.schema else f"of {_name(target.creator)}"
                entry, kind = [(f"{_NOUNS[target.kind]}s", 1, "")], (_FUTURE, where)
        kinds.setdefault(kind, []).extend(entry)
    for (order, noun), entries in sorted(kinds.items()):
        total = sum(count for _, count, _ in entries)
        names = sorted(name for name, _, _ in entries)
        if order == _FUTURE:
            yield f"future {join_names(names)} {noun}"
        elif total <= MAXIMUM_NAMES and all(names):
            yield f"{_noun(noun, total)} {join_names(names)}"
        else:
            schemas = sorted({_name(schema) for _, _, schema in entries if schema})
            where = f" in {_noun('schema', len(schemas))} {_few(schemas)}" if schemas else ""
            yield f"{_counted(total, noun)}{where}"


def _noun(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _counted(count: int, noun: str) -> str:
    return f"{count} {_noun(noun, count)}"


def _few(names: list[str]) -> str:
    if len(names) <= MAXIMUM_NAMES:
        return join_names(names)
    return join_names([*names[:MAXIMUM_NAMES], f"{len(names) - MAXIMUM_NAMES} more"])


def _name(name: str) -> str:
    """Return a plain name as it is, and any other quoted, so that it cannot be taken for a part of the sentence."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_$-]*", name) else identifier(name)


def _qualified(schema: str, name: str, arguments: str | None = None) -> str:
    return f"{_name(schema)}.{_name(name)}" + ("" if arguments is None else f"({arguments})")
