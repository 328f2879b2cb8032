"""Access documents that several tests start from, as Terraform passes them, and a server to compare them with."""

import copy
from typing import Any

from db_bootstrap.model import Attribute, Server

SERVER = Server(
    version=170002,
    master="taproom",
    master_is_superuser=False,
    database="beers",
    database_owner="taproom",
    owns_database=True,
    may_create=True,
    has_iam_role=True,
    is_rds_master=False,
    master_attributes=frozenset({Attribute.CREATE_ROLE, Attribute.CREATE_DATABASE}),
    superusers=frozenset({"rdsadmin"}),
)

_BEERS: dict[str, Any] = {
    "database": "beers",
    "schemas": {"beers": {"owner": "beers_owner"}},
    "roles": {
        "beers_owner": {},
        "beers_writer": {"schemas": {"beers": "write"}},
        "beers_reader": {"schemas": {"beers": "read"}},
    },
    "logins": {
        "beers_app": {
            "credential": "rotated",
            "member_of": ["beers_writer"],
            "connection_limit": 120,
            "settings": {"statement_timeout": "5s"},
        },
        "beers_migrator": {"credential": "rotated", "acts_as": "beers_owner"},
        "beers_report": {"credential": "iam", "member_of": ["beers_reader"]},
    },
}


def beers() -> dict[str, Any]:
    """The project's own document, to be changed at will."""
    return copy.deepcopy(_BEERS)


def beers_from_terraform() -> dict[str, Any]:
    """The same with ``null`` for every optional attribute that was left out."""
    document = beers()
    held = ("comment", "member_of", "memberships", "schemas", "grants")
    for role in document["roles"].values():
        role.update({key: role.get(key) for key in held})
    for login in document["logins"].values():
        login.update({key: login.get(key) for key in (*held, "acts_as", "connection_limit", "settings")})
    return {**document, **dict.fromkeys(("unlisted", "extensions", "public", "retired"))}
