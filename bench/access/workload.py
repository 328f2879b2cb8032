"""The desired access, in the configuration format of each tool. No I/O.

Every group can read everything in all schemas, or do everything with it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DATABASE = "bench"
OWNER = "bench_owner"
READERS = ("bench_reader", "bench_analyst", "bench_auditor")
KEEPERS = ("bench_keeper", "bench_loader")
GROUPS = READERS + KEEPERS
LOGINS = tuple(f"bench_login_{number:03}" for number in range(100))
_WITH_TWO_GROUPS = 25


@dataclass(frozen=True)
class Size:
    """The number of objects to grant privileges on.

    Attributes:
        schemas: The number of schemas.
        tables: The number of tables in each schema, and of sequences.
    """

    schemas: int
    tables: int

    @classmethod
    def parse(cls, text: str) -> "Size":
        """Parse the output of `str`, such as ``20x50``.

        Raises:
            ValueError: It is not a valid size.
        """
        match = re.fullmatch(r"([1-9]\d{0,2})x([1-9]\d{0,2})", text)
        if match is None:
            raise ValueError(f"{text!r} is not a valid size; expected SCHEMASxTABLES, such as 20x50")
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.schemas}x{self.tables}"

    @property
    def total_tables(self) -> int:
        """The number of tables in all schemas."""
        return self.schemas * self.tables

    @property
    def schema_names(self) -> tuple[str, ...]:
        """The schemas, which exist beforehand and belong to `OWNER`."""
        return tuple(f"bench_{number:02}" for number in range(self.schemas))

    @property
    def privileges(self) -> int:
        """The final number of the groups' privileges on tables and sequences, each counted once for each object."""
        # SELECT on both; or all seven that PostgreSQL 15 has on a table, and all three on a sequence.
        return self.total_tables * (len(READERS) * (1 + 1) + len(KEEPERS) * (7 + 3))


def memberships() -> dict[str, tuple[str, ...]]:
    """Return the groups of each login: one or two."""
    return {
        login: tuple(
            GROUPS[(number + further) % len(GROUPS)] for further in range(2 if number < _WITH_TWO_GROUPS else 1)
        )
        for number, login in enumerate(LOGINS)
    }


def objects(size: Size) -> Iterator[str]:
    """Yield the statements that create the schemas, tables and sequences, for a role that can act as `OWNER`."""
    for schema in size.schema_names:
        yield f"CREATE SCHEMA {schema} AUTHORIZATION {OWNER}"
        yield (
            f"DO $$ BEGIN SET LOCAL ROLE {OWNER}; FOR number IN 1..{size.tables} LOOP "
            f"EXECUTE format('CREATE TABLE {schema}.table_%s (id bigint)', number); "
            f"EXECUTE format('CREATE SEQUENCE {schema}.sequence_%s', number); END LOOP; END $$"
        )


def access_document(size: Size) -> dict[str, Any]:
    """Return the desired access for `db_bootstrap`."""
    presets = {**dict.fromkeys(READERS, "read"), **dict.fromkeys(KEEPERS, "own")}
    return {
        "database": DATABASE,
        "schemas": {schema: {"owner": OWNER} for schema in size.schema_names},
        "roles": {OWNER: {}}
        | {group: {"schemas": dict.fromkeys(size.schema_names, preset)} for group, preset in presets.items()},
        "logins": {login: {"credential": "iam", "member_of": list(groups)} for login, groups in memberships().items()},
    }


def ldap2pg_configuration(size: Size, dsn: str) -> dict[str, Any]:
    """Return the desired access for ldap2pg, without LDAP.

    Args:
        size: The number of objects.
        dsn: The server's libpq connection string.
    """
    grants = [
        {"privilege": privilege, "database": DATABASE, "schemas": list(size.schema_names), "roles": list(groups)}
        for privilege, groups in (("reading", READERS), ("keeping", KEEPERS))
    ]
    return {
        "version": 5,
        "postgres": {
            "dsn": dsn,
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
