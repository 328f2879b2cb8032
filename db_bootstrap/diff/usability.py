"""Declared access that does not let its holders do what it seems to say."""

from collections.abc import Iterator

from db_bootstrap import desired
from db_bootstrap.diff.descriptions import describe_counts, few, join_names
from db_bootstrap.diff.scope import readings
from db_bootstrap.document.model import AccessDocument, GrantKind, login_role_names
from db_bootstrap.document.presets import OBJECT_KINDS
from db_bootstrap.model import Call, ObjectKind, Snapshot
from db_bootstrap.sql import PUBLIC, identifier

_Held = dict[tuple[str, str, ObjectKind], set[tuple[str, str | None]]]
"""By grantee, schema and kind: privileges, each with the name of the object, or None for all."""


def unusable_grants(document: AccessDocument, snapshot: Snapshot) -> Iterator[str]:
    """Yield a sentence on each grantee that cannot use what it is granted for want of another privilege.

    Or after a rotation, because it belongs to one of a login's two login roles.
    """
    held = _held(document, snapshot)
    for holder in desired.holders(document):
        rights = {holder.grantee, PUBLIC, *document.inherited[holder.grantee]}
        calls = [
            f"{call.schema}.{call.relation} calls {call.routine_schema}.{call.routine.name}({call.routine.arguments})"
            for call in snapshot.calls
            if held.get((holder.grantee, call.schema, ObjectKind.RELATION), set())
            & {(call.privilege, None), (call.privilege, call.relation)}
            and not _may_call(call, rights, held)
        ]
        if calls:
            yield (
                f"{holder.grantee!r} cannot use all relations that it has privileges on, for want of EXECUTE on the "
                f"routines that they call: {join_names(few(calls))}; grant that by name."
            )
        yield from _temporary_tables(document, snapshot, holder, rights, held)
    for name in document.rotated_logins:
        yield from _belongings(name, snapshot)
        yield from _user_policies(name, document, snapshot, held)


def _held(document: AccessDocument, snapshot: Snapshot) -> _Held:
    held: _Held = {}
    for (schema, kind, name), grants in desired.kind_grants(document, snapshot.server).items():
        for grantee, privilege in grants:
            held.setdefault((grantee, schema, kind), set()).add((privilege, name))
    for holder in desired.holders(document):
        for grant in holder.grants:
            for written in (grant.names or ()) if grant.on in OBJECT_KINDS else ():
                for name in (written, *(name for name, _ in readings(written) if grant.on is GrantKind.ROUTINES)):
                    on = (holder.grantee, grant.schema or "", OBJECT_KINDS[grant.on])
                    held.setdefault(on, set()).update((privilege, name) for privilege in grant.privileges)
    return held


_NOT_OWNED = frozenset({"policy", "user mapping", "prepared transaction"})


def _belongings(login: str, snapshot: Snapshot) -> Iterator[str]:
    """Yield what only one login role of a pair has, which the other one cannot use after a rotation."""
    pair = login_role_names(login)
    for role, other in (pair, pair[::-1]):
        has, others = snapshot.belongings.get(role, {}), snapshot.belongings.get(other, {})
        # Both can have these, which are made for a role by name; members do not inherit them.
        for_one = {kind: has[kind] for kind in ("policy", "user mapping") if has.get(kind, 0) > others.get(kind, 0)}
        prepared = {kind: has[kind] for kind in ("prepared transaction",) if kind in has}
        owned = {kind: count for kind, count in has.items() if kind not in _NOT_OWNED}
        of, to = identifier(role), identifier(login)
        for counts, remedy in (
            (for_one, f"create the same for {other!r}."),
            (prepared, f"commit it as {role!r}."),
            (owned, f"run: GRANT {of}, {to} TO CURRENT_USER; REASSIGN OWNED BY {of} TO {to};"),
        ):
            if counts:
                what = describe_counts(counts)
                yield f"{role!r} has {what}, which {login!r} cannot use while it logs in as {other!r}; {remedy}"
    if "user mapping" in snapshot.belongings.get(login, {}):
        yield f"{login!r} has a user mapping, but logs in as {join_names(map(repr, pair))}; create one for each."


def _user_policies(name: str, document: AccessDocument, snapshot: Snapshot, held: _Held) -> Iterator[str]:
    """Yield the relations of which sessions see other rows after a rotation."""
    pair = login_role_names(name)
    rights = {name, PUBLIC, *document.inherited[name]}
    acts_as = document.logins[name].acts_as
    found = {
        f"{policy.schema}.{policy.relation}"
        for policy in snapshot.policies
        if (policy.is_of_session_user or acts_as is None)
        and rights.union(pair).intersection(policy.roles)
        and any(
            on in {None, policy.relation}
            for role in rights
            for _, on in held.get((role, policy.schema, ObjectKind.RELATION), ())
        )
    }
    if found:
        remedy = "use CURRENT_USER instead of SESSION_USER" if acts_as else "declare the role that it acts_as"
        yield (
            f"Row policies of {join_names(sorted(found))} compare rows with the user, who is {pair[0]!r} or "
            f"{pair[1]!r} when {name!r} logs in, so a rotation changes the rows that it can use; {remedy}."
        )


def _may_call(call: Call, rights: set[str], held: _Held) -> bool:
    if call.executors is not None:
        return bool(rights & {call.owner, *call.executors})
    names = {("EXECUTE", None), ("EXECUTE", call.routine.name)}
    return call.owner in rights or any(
        held.get((role, call.routine_schema, ObjectKind.ROUTINE), set()) & names for role in rights
    )


def _temporary_tables(
    document: AccessDocument, snapshot: Snapshot, holder: desired.Holder, rights: set[str], held: _Held
) -> Iterator[str]:
    """Yield the schemas of which a holder cannot copy tables into temporary ones, because of the columns' types."""
    if not any(
        grant.on is GrantKind.DATABASE and "TEMPORARY" in grant.privileges
        for other in desired.holders(document)
        if other.grantee in rights
        for grant in other.grants
    ):
        return
    for schema, declared in document.schemas.items():
        may_read = ("SELECT", None) in held.get((holder.grantee, schema, ObjectKind.RELATION), set())
        has_types = any(group.schema == schema and group.kind is ObjectKind.TYPE for group in snapshot.groups)
        may_use = declared.owner in rights or any((role, schema, ObjectKind.TYPE) in held for role in rights)
        if may_read and has_types and not may_use:
            yield (
                f"{holder.grantee!r} can create temporary tables, but not with the types of schema {schema!r}; if it "
                "needs that, grant USAGE on types."
            )
