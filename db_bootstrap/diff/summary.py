"""Sentences for reviewers on the effects of an apply: each login's losses and gains, losses first."""

import re
from collections.abc import Iterable, Iterator
from itertools import product

from db_bootstrap.desired import login_roles
from db_bootstrap.diff.descriptions import MAXIMUM_NAMES, UNCHANGED, few, join_names
from db_bootstrap.diff.effective import AnyTarget, OnFutureObjects, compare_access, subjects
from db_bootstrap.document.model import IAM_ROLE, AccessDocument, CredentialKind
from db_bootstrap.effective.changes import GRANT_OPTION, OWNERSHIP, Change, Comparison, groups
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
    Server,
    Snapshot,
    sorted_facts,
)
from db_bootstrap.sql import PUBLIC, identifier

NO_LOSS = "No login loses access."

MAXIMUM_SENTENCES = 40
_PLURAL = {"can": "can", "gains": "gain", "has": "have", "is": "are", "loses": "lose", "starts": "start"}
_NOUNS = {kind: "table" if kind is ObjectKind.RELATION else kind.value for kind in ObjectKind}
_OPTIONS = {"inherit": "inheritance from", "set": "SET ROLE", "admin": "ADMIN OPTION on"}
_CREDENTIALS = {
    CredentialKind.ROTATED: "a rotated password",
    CredentialKind.IAM: "IAM authentication",
    CredentialKind.EXTERNAL: "a credential that is managed elsewhere",
}

_Clause = tuple[bool, str, str]
"""True for a loss; a role, or `sql.PUBLIC`; and the rest of the sentence, beginning with a verb."""


def summary(document: AccessDocument, snapshot: Snapshot, difference: Difference) -> tuple[str, ...]:
    """Return the sentences; only `UNCHANGED` if no access changes."""
    comparison, targets = compare_access(snapshot, difference)
    roles_of: dict[bool, dict[str, set[str]]] = {True: {}, False: {}}
    for is_loss, role, predicate in (
        *_retired(document, snapshot),
        *_created(document, difference),
        *_attributes(comparison),
        *_sessions(document, difference, comparison),
        *_access(document, snapshot.server, comparison, targets),
    ):
        roles_of[is_loss].setdefault(predicate, set()).add(role)
    losses, gains = ([_sentence(*item, document) for item in roles_of[is_loss].items()] for is_loss in (True, False))
    sentences = [*(losses or [NO_LOSS]), *gains] if losses or gains else [UNCHANGED]
    if (rest := len(sentences) - MAXIMUM_SENTENCES + 1) > 1:
        sentences = [*sentences[:-rest], f"{rest} more sentences are left out; the SQL has all changes."]
    return tuple(sentences)


def _sentence(predicate: str, roles: set[str], document: AccessDocument) -> str:
    for name, login in document.logins.items():
        if roles.issuperset(both := login_roles(name, login)):
            roles = (roles - {*both}) | {name}
    verb, rest = predicate.split(" ", 1)
    undeclared = roles - document.role_names - document.retired.keys()
    labels = [_name(role) + (" (not declared)" if role in undeclared else "") for role in sorted(roles - {PUBLIC})]
    labels = [*few(labels), *(["every other role"] if PUBLIC in roles else [])]
    who = join_names(labels) if roles != {PUBLIC} else "Every other role"
    return f"{who} {verb if len(labels) == 1 else _PLURAL[verb]} {rest}."


def _retired(document: AccessDocument, snapshot: Snapshot) -> Iterator[_Clause]:
    for role in snapshot.retired_roles:
        successor, count = document.retired[role.role].reassign_to, sum(role.owned().values())
        fate = "dropped with all data" if successor is None else f"passed to {_name(successor)}"
        objects = f"; {count} {_noun('object', count)} of it will be {fate}" if count else ""
        yield True, role.role, f"is dropped and loses all access{objects}"


def _created(document: AccessDocument, difference: Difference) -> Iterator[_Clause]:
    new = {fact.role for fact in sorted_facts(difference.missing, RoleExists)}
    credentials = {role: login for name, login in document.logins.items() for role in login_roles(name, login)}
    for role in sorted(new - (document.logins.keys() - credentials.keys())):
        login = credentials.get(role)
        yield False, role, f"is created with {_CREDENTIALS[login.credential] if login else 'NOLOGIN'}"


def _attributes(comparison: Comparison) -> Iterator[_Clause]:
    before, after = comparison.before.catalog.roles, comparison.after.catalog.roles
    for role, attribute in product(sorted(before.keys() & after.keys()), sorted(Attribute)):
        old, new = before[role].attributes[attribute], after[role].attributes[attribute]
        if old == new or attribute is Attribute.INHERIT:
            continue
        if attribute is Attribute.VALID_UNTIL:
            expiry = f"expires on {new}" if new else f"no longer expires on {old}"
            yield bool(new and (not old or str(new) < str(old))), role, f"has a password that {expiry}"
        elif attribute is Attribute.CONNECTION_LIMIT:
            limits = [int(value or 0) for value in (old, new)]
            shown = ["none" if limit < 0 else str(limit) for limit in limits]
            is_loss = limits[0] < 0 or 0 <= limits[1] < limits[0]
            yield is_loss, role, f"has the connection limit {shown[1]} instead of {shown[0]}"
        else:
            yield not new, role, f"{'gains' if new else 'loses'} {attribute.value.upper()}"


def _sessions(document: AccessDocument, difference: Difference, comparison: Comparison) -> Iterator[_Clause]:
    moments = (comparison.before, comparison.after)
    for role in sorted(document.logins.keys() & comparison.before.catalog.roles):
        uses_iam = [IAM_ROLE in access.graph.groups.get(role, {}) for access in moments]
        if uses_iam == [False, True]:
            yield True, role, "can log in with IAM authentication only, no longer with a password"
        elif uses_iam == [True, False]:
            yield True, role, "can no longer log in with IAM authentication"
    for is_loss, adverb, facts in ((True, "no longer ", difference.surplus), (False, "", difference.missing)):
        for fact in sorted_facts(facts, RoleSetting):
            if fact.name == "role":
                yield is_loss, fact.role, f"starts sessions {adverb}as {_name(fact.value[0])}"


def _access(
    document: AccessDocument, server: Server, comparison: Comparison, targets: list[AnyTarget]
) -> Iterator[_Clause]:
    names = {role: name for name, login in document.logins.items() for role in login_roles(name, login)}
    phrases: dict[frozenset[Change], list[str]] = {}
    listed = document.role_names | {PUBLIC}
    for role in subjects(document, server, comparison):
        itself = {role, names.get(role)}
        changed = [
            change._replace(through="") if change.through in itself else change
            for change in comparison.changes(role)
            # the sentence on every other role covers roles that are not declared
            if change.through != PUBLIC or role in listed
        ]
        groups_then, groups_now = groups(comparison.before, role), groups(comparison.after, role)
        for is_loss, verb, ways in (
            (True, "loses", groups_then - groups_now),
            (False, "gains", groups_now - groups_then),
        ):
            key = frozenset(change for change in changed if change.is_loss is is_loss)
            if key not in phrases:  # many logins have the same groups
                phrases[key] = [*_privileges(key, targets)]
            for phrase in phrases[key]:
                yield is_loss, role, f"{verb} {phrase}"
            for group in sorted({group for _, group in ways} - {IAM_ROLE, names.get(role)}):
                yield is_loss, role, f"{verb} {_membership(group, {option for option, of in ways if of == group})}"


def _membership(group: str, options: set[str]) -> str:
    texts = {"membership in"} if {"inherit", "set"} <= options else {_OPTIONS[option] for option in options}
    texts |= {_OPTIONS["admin"]} & {_OPTIONS[option] for option in options}
    return join_names(f"{text} {_name(group)}" for text in sorted(texts, reverse=True))


def _privileges(changed: Iterable[Change], all_targets: list[AnyTarget]) -> Iterator[str]:
    """Yield the privileges that come from the same role, with their targets."""
    by_target: dict[tuple[str, tuple[int, ...]], set[str]] = {}
    for change in changed:
        by_target.setdefault((change.through, change.targets), set()).add(change.privilege)
    targets: dict[tuple[str, tuple[str, ...]], list[AnyTarget]] = {}
    for (through, alike), privileges in by_target.items():
        shown = {text for text in privileges if text.removeprefix(GRANT_OPTION) not in privileges - {text}}
        targets.setdefault((through, tuple(sorted(shown))), []).extend(all_targets[target] for target in alike)
    for (through, shown_ones), on in sorted(targets.items(), key=lambda item: item[0]):
        path = f" through {'PUBLIC' if through == PUBLIC else _name(through)}" if through else ""
        yield f"{join_names(shown_ones)} {'of' if OWNERSHIP in shown_ones else 'on'} {join_names(_targets(on))}{path}"


def _targets(targets: Iterable[AnyTarget]) -> Iterator[str]:
    """Yield the targets of each kind together, by name if they are few."""
    kinds: dict[str, list[tuple[str, int, str]]] = {}
    future: dict[tuple[str, str], set[str]] = {}
    for target in targets:
        match target:
            case OnDatabase(database):
                kinds.setdefault("database", []).append((_name(database), 1, ""))
            case OnSchema(schema):
                kinds.setdefault("schema", []).append((_name(schema), 1, ""))
            case OnColumn(schema, relation, column):
                on = f"{_name(schema)}.{_name(relation)}"
                kinds.setdefault("column", []).append((f"{_name(column)} of {on}", 1, schema))
            case OnObjects(schema, kind, names, _, count):
                named = [
                    (f"{_name(schema)}.{_name(name)}" + (f"({types})" if types is not None else ""), 1, schema)
                    for name, types in (names if count <= MAXIMUM_NAMES else ())
                ]
                kinds.setdefault(_NOUNS[kind], []).extend(named if len(named) == count else [("", count, schema)])
            case OnFutureObjects(creator, within, kind):
                place = ("in", _name(within)) if within else ("of", _name(creator))
                future.setdefault(place, set()).add(f"{_NOUNS[kind]}s")
    for noun, entries in sorted(kinds.items()):
        total = sum(count for _, count, _ in entries)
        if total <= MAXIMUM_NAMES and all(name for name, _, _ in entries):
            yield f"{_noun(noun, total)} {join_names(sorted(name for name, _, _ in entries))}"
        else:
            schemas = sorted(map(_name, {schema for _, _, schema in entries if schema}))
            where = f" in {_noun('schema', len(schemas))} {join_names(few(schemas))}" if schemas else ""
            yield f"{total} {_noun(noun, total)}{where}"
    yield from _future(future)


def _future(kinds: dict[tuple[str, str], set[str]]) -> Iterator[str]:
    """Yield the kinds of future objects, by preposition and place, those of the same kinds together."""
    places: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (preposition, place), nouns in sorted(kinds.items()):
        places.setdefault((preposition, tuple(sorted(nouns))), []).append(place)
    for (preposition, nouns_there), names in sorted(places.items()):
        within = f"in {_noun('schema', len(names))}" if preposition == "in" else preposition
        yield f"future {join_names(nouns_there)} {within} {join_names(few(names))}"


def _noun(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _name(name: str) -> str:
    """Return a plain name as it is, and any other quoted, so that it cannot be taken for a part of the sentence."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_$-]*", name) else identifier(name)
