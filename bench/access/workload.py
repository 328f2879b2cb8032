"""Pure: one wish about access, in the words of each tool.

Every group may read everything in all schemas, or do everything with it. Those two are all that pgbedrock can say that
means the same to the others, so that all tools have the same privileges to put in place.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

DATABASE = "bench"
OWNER = "bench_owner"
READERS = ("bench_reader", "bench_analyst", "bench_auditor")
KEEPERS = ("bench_keeper", "bench_loader")
GROUPS = READERS + KEEPERS
LOGINS = tuple(f"bench_login_{number:03}" for number in range(100))
_WITH_TWO_GROUPS = 25
_SYSTEM_SCHEMAS = ("information_schema", "pg_catalog")


@dataclass(frozen=True)
class Size:
    """How much there is to grant on.

    Attributes:
        schemas: How many schemas.
        tables: How many tables each of them holds, and as many sequences.
    """

    schemas: int
    tables: int

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Read what `str` gives, such as ``20x50``.

        Raises:
            ValueError: It is no size.
        """
        match = re.fullmatch(r"([1-9]\d{0,2})x([1-9]\d{0,2})", text)
        if match is None:
            raise ValueError(f"{text!r} is no size; write SCHEMASxTABLES, such as 20x50")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.schemas}x{self.tables}"

    @property
    def total_tables(self) -> int:
        """In all schemas together."""
        return self.schemas * self.tables

    @property
    def schema_names(self) -> tuple[str, ...]:
        """The schemas, all of which exist beforehand and belong to `OWNER`."""
        return tuple(f"bench_{number:02}" for number in range(self.schemas))

    @property
    def privileges(self) -> int:
        """How many privileges on tables and sequences the groups have in the end; each counts once an object."""
        # SELECT on both; or all seven that PostgreSQL 15 has on a table, and all three on a sequence.
        return self.total_tables * (len(READERS) * (1 + 1) + len(KEEPERS) * (7 + 3))


@dataclass(frozen=True)
class FoundRole:
    """A role that is there beforehand, which pgbedrock insists on being told of.

    Attributes:
        member_of: The roles that it is a member of.
    """

    name: str
    can_login: bool
    is_superuser: bool
    attributes: tuple[str, ...] = ()
    member_of: tuple[str, ...] = field(default=())


def memberships() -> dict[str, tuple[str, ...]]:
    """The groups of each login: one, and another one for some."""
    return {
        login: tuple(
            GROUPS[(number + further) % len(GROUPS)] for further in range(2 if number < _WITH_TWO_GROUPS else 1)
        )
        for number, login in enumerate(LOGINS)
    }


def objects(size: Size) -> Iterator[str]:
    """Statements that make the schemas, their tables and their sequences, for whoever may act as `OWNER`."""
    for schema in size.schema_names:
        yield f"CREATE SCHEMA {schema} AUTHORIZATION {OWNER}"
        yield (
            f"DO $$ BEGIN SET LOCAL ROLE {OWNER}; FOR number IN 1..{size.tables} LOOP "
            f"EXECUTE format('CREATE TABLE {schema}.table_%s (id bigint)', number); "
            f"EXECUTE format('CREATE SEQUENCE {schema}.sequence_%s', number); END LOOP; END $$"
        )


def access_document(size: Size) -> dict[str, Any]:
    """The wish as `db_bootstrap` reads it."""
    presets = {**dict.fromkeys(READERS, "read"), **dict.fromkeys(KEEPERS, "own")}
    return {
        "database": DATABASE,
        "schemas": {schema: {"owner": OWNER} for schema in size.schema_names},
        "roles": {OWNER: {}}
        | {group: {"schemas": dict.fromkeys(size.schema_names, preset)} for group, preset in presets.items()},
        "logins": {login: {"credential": "iam", "member_of": list(groups)} for login, groups in memberships().items()},
    }


def pgbedrock_spec(size: Size, found: Sequence[FoundRole]) -> dict[str, Any]:
    """The wish as pgbedrock reads it.

    Args:
        size: How much there is.
        found: Every role of the server, of which `OWNER` is one.
    """
    everything = [f"{schema}.*" for schema in size.schema_names]
    owned = {"schemas": list(size.schema_names), "tables": everything, "sequences": everything}
    systems_own = {"schemas": list(_SYSTEM_SCHEMAS), "tables": [f"{schema}.*" for schema in _SYSTEM_SCHEMAS]}
    privileges = {
        way: {"schemas": {way: list(size.schema_names)}, "tables": {way: everything}, "sequences": {way: everything}}
        for way in ("read", "write")
    }
    return {
        **{role.name: _pgbedrock_role(role) | ({"owns": systems_own} if role.is_superuser else {}) for role in found},
        OWNER: {"owns": owned},
        **{group: {"privileges": privileges["read"]} for group in READERS},
        **{group: {"privileges": privileges["write"]} for group in KEEPERS},
        **{login: {"can_login": True, "member_of": list(groups)} for login, groups in memberships().items()},
    }


def _pgbedrock_role(role: FoundRole) -> dict[str, Any]:
    said: Mapping[str, Any] = {
        "can_login": role.can_login,
        "is_superuser": role.is_superuser,
        "attributes": list(role.attributes),
        "member_of": list(role.member_of),
    }
    return {key: value for key, value in said.items() if value}


def ldap2pg_configuration(size: Size, address: str) -> dict[str, Any]:
    """The wish as ldap2pg reads it, without any LDAP.

    Args:
        size: How much there is.
        address: The server's, as libpq reads it.
    """
    grants = [
        {"privilege": privilege, "database": DATABASE, "schemas": list(size.schema_names), "roles": list(groups)}
        for privilege, groups in (("reading", READERS), ("keeping", KEEPERS))
    ]
    return {
        "version": 5,
        "postgres": {
            "dsn": address,
            "databases_query": [DATABASE],
            "schemas_query": list(size.schema_names),
            "owners_query": [OWNER],
            "managed_roles_query": [*GROUPS, *LOGINS],
        },
        "privileges": {
            "reading": ["__usage_on_schemas__", "__select_on_tables__", "__select_on_sequences__"],
            "keeping": ["__all_on_schemas__", "__all_on_tables__", "__all_on_sequences__"],
        },
        "sync_map": [
            {"roles": [{"names": list(GROUPS), "options": "NOLOGIN"}]},
            {
                "roles": [
                    {"names": [login], "options": "LOGIN", "parents": list(groups)}
                    for login, groups in memberships().items()
                ]
            },
            {"grant": grants},
        ],
    }
