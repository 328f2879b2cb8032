"""A plan's digest: what a reviewer has seen, in one line that `apply` can be held to.

Pure. It is bound to the exact statements, in their order, and to the database they were planned for, so that a plan for
one database is not carried out on another that happens to lack the same.
"""

import hashlib
import json
import re
from collections.abc import Iterable

import attrs

from db_bootstrap.plan import Statement

_FORMAT = "db_bootstrap plan 1"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@attrs.frozen
class Identity:
    """What tells one database from every other.

    Attributes:
        host: The server's name as its certificate bears it: connections verify that. It stays through a restart and a
            failover, and tells apart what else would look alike: RDS copies servers that are ready made, so instances
            of one version were seen to share the system identifier.
        system_identifier: The server's own number, given by ``initdb`` and kept for life; a server restored from a
            snapshot has its original's. None where the login may not ask for it.
        database_oid: The database's number in the server; one that is dropped and made again gets another.
        database: Its name.
    """

    host: str
    system_identifier: str | None
    database_oid: int
    database: str


def plan_digest(identity: Identity, statements: Iterable[Statement]) -> str:
    """``sha256:`` and 64 hexadecimal digits, the same for the same statements on the same database."""
    content = [_FORMAT, *attrs.astuple(identity), [statement.sql for statement in statements]]
    return "sha256:" + hashlib.sha256(json.dumps(content).encode()).hexdigest()


def is_digest(text: str) -> bool:
    """Whether ``text`` has the shape of a digest."""
    return _DIGEST.fullmatch(text) is not None
