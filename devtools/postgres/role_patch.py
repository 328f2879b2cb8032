"""RDS's patch of PostgreSQL's rules for roles, which the catalogs do not show.

On RDS, members of ``rds_superuser`` run role statements for which PostgreSQL demands an ADMIN OPTION that no catalog
has (RDS-2 in ``docs/aws-behaviours.md``). PostgreSQL has no hook for that outside C. So ``IamProxy``, which relays all
clients, wraps such a statement of a master in a call of a procedure that runs it as ``rdsadmin``: in the master's
session and transaction, with PostgreSQL's errors. Only the command tag differs: it is CALL. A master that calls the
procedure directly can run anything, so these servers are for rehearsals only.

Public dumps of RDS servers disagree about how far the patch goes, hence the variants of `RolePatch`.
"""

import re
import struct
from enum import StrEnum

import pg8000.native

FIRST_MAJOR_WITH_ADMIN_OPTION = 16
"""Before, CREATEROLE suffices to administer any role."""

INSTALL = (
    """
    CREATE PROCEDURE pg_catalog.run_as_rdsadmin(statement text) LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        EXECUTE statement;
        IF EXISTS (SELECT FROM pg_authid WHERE rolsuper AND oid <> 10)
           OR EXISTS (SELECT FROM pg_auth_members WHERE roleid = 10)
        THEN RAISE insufficient_privilege USING MESSAGE = 'permission denied to alter superusers';
        END IF;
    END $$
    """,
    # ALTER ROLE ... SET role is impossible in a procedure with its definer's rights.
    """
    CREATE PROCEDURE pg_catalog.run_as_admin(role text, statement text) LANGUAGE plpgsql AS $$
    DECLARE
        is_administered boolean := (
            SELECT admin_option FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid
            WHERE r.rolname = role AND m.member = current_user::regrole AND m.grantor = 10);
        options text := CASE WHEN is_administered IS NULL THEN ', INHERIT FALSE, SET FALSE' ELSE '' END;
        option_for text := CASE WHEN is_administered IS NULL THEN '' ELSE 'ADMIN OPTION FOR ' END;
    BEGIN
        IF is_administered THEN
            EXECUTE statement;
        ELSE
            CALL run_as_rdsadmin(format('GRANT %I TO %I WITH ADMIN TRUE%s', role, current_user, options));
            EXECUTE statement;
            CALL run_as_rdsadmin(format('REVOKE %s%I FROM %I', option_for, role, current_user));
        END IF;
    END $$
    """,
    "REVOKE ALL ON PROCEDURE pg_catalog.run_as_rdsadmin FROM PUBLIC",
    "GRANT EXECUTE ON PROCEDURE pg_catalog.run_as_rdsadmin TO rds_superuser",
)
"""Statements for each database of the server, ``template1`` included."""

_RESERVED = frozenset({"rds_iam", "rds_superuser"})
_TOKEN = re.compile(r""" --[^\n]* | "(?:[^"]|"")*" | '(?:[^']|'')*' | ; | [^\s",;']+ """, re.VERBOSE)
_ROLE_STATEMENTS = re.compile(r"(?:CREATE|ALTER|DROP) (?:ROLE|USER|GROUP)|COMMENT ON ROLE")
_ALTER = ("ALTER", "ROLE")
_HEADER = struct.Struct("!ci")


class RolePatch(StrEnum):
    """The effect of a master's role statements.

    DOCUMENTED: the master grants ``rds_iam`` and ``rds_superuser`` without ADMIN OPTION; all else is PostgreSQL's.
    GRANTS_AS_RDSADMIN: it grants any role, and ``rdsadmin`` is recorded as the grantor.
    ROLES_AS_RDSADMIN: it creates and alters any role as well, and gets no ADMIN OPTION on those that it creates.
    """

    DOCUMENTED = "documented"
    GRANTS_AS_RDSADMIN = "grants as rdsadmin"
    ROLES_AS_RDSADMIN = "roles as rdsadmin"

    def rewritten(self, sql: str) -> str:
        """Return statements with each role statement that the patch covers as a call."""
        parts, start = [], None
        for token in _TOKEN.finditer(sql):
            if token[0] == ";" and start is not None:
                parts.append((start, token.start()))
                start = None
            elif start is None and not token[0].startswith((";", "--")):
                start = token.start()
        parts += [] if start is None else [(start, len(sql))]
        for begin, end in reversed(parts):
            if self.applies_to(sql[begin:end]):
                sql = sql[:begin] + self._call(sql[begin:end]) + sql[end:]
        return sql

    def _call(self, sql: str) -> str:
        tokens: list[str] = _TOKEN.findall(sql)
        if tuple(token.upper() for token in tokens[:2]) == _ALTER:
            role = tokens[2][1:-1].replace('""', '"') if tokens[2].startswith('"') else tokens[2].lower()
            return f"CALL pg_catalog.run_as_admin({_literal(role)}, {_literal(sql)})"
        return f"CALL pg_catalog.run_as_rdsadmin({_literal(sql)})"

    def applies_to(self, sql: str) -> bool:
        """Return True if the master can run this statement, which PostgreSQL would refuse or record otherwise."""
        tokens: list[str] = _TOKEN.findall(sql)
        words = [token.upper() for token in tokens]
        if words[:1] in (["GRANT"], ["REVOKE"]) and "ON" not in words:
            # Only rdsadmin can name itself as the grantor ("permission denied to grant privileges as role").
            is_as_rdsadmin = words[-2:] in (["BY", "RDSADMIN"], ["BY", '"RDSADMIN"'])
            end = next((index for index, word in enumerate(words) if word in {"TO", "FROM"}), 0)
            names_reserved = {token.strip('"') for token in tokens[1:end]} & _RESERVED
            return not is_as_rdsadmin and (self is not RolePatch.DOCUMENTED or bool(names_reserved))
        return self is RolePatch.ROLES_AS_RDSADMIN and bool(_ROLE_STATEMENTS.match(" ".join(words[:3])))


class RoleStatements:
    """The messages of one session of a master, in which role statements are rewritten."""

    def __init__(self, patch: RolePatch) -> None:
        self._patch = patch
        self._received = bytearray()

    def rewritten(self, data: bytes) -> bytes:
        """Return the whole messages that have arrived; the rest waits for more data."""
        self._received += data
        messages = bytearray()
        while len(self._received) >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._received)
            if len(self._received) < length + 1:
                break
            messages += self._message(kind, bytes(self._received[_HEADER.size : length + 1]))
            del self._received[: length + 1]
        return bytes(messages)

    def _message(self, kind: bytes, body: bytes) -> bytes:
        if kind in (b"Q", b"P"):
            # Query has the statement alone; Parse has it between the name of a prepared statement and its types.
            before, separator, rest = (b"", b"", body) if kind == b"Q" else body.partition(b"\0")
            text, end, after = rest.partition(b"\0")
            sql = self._patch.rewritten(text.decode(errors="surrogateescape"))
            body = before + separator + sql.encode(errors="surrogateescape") + end + after
        return _HEADER.pack(kind, len(body) + 4) + body


def _literal(text: str) -> str:
    literal: str = pg8000.native.literal(text)
    return literal
