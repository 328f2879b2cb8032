"""A plan's digest: what a reviewer has seen, in one line that `apply` can be held to.

Pure. It is bound to the exact statements, in their order, and to the database they were planned for, so that a plan for
one database is not carried out on another that happens to lack the same. It is bound to the last one that was carried
out, too, which the database remembers as the last line of its comment: the same drift twice has two digests, and a
review of the first is none of the second.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass

from db_bootstrap.diff.statement import Statement

_FORMAT = "db_bootstrap plan 2"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REMEMBERED = re.compile(r"(?:\A|\n)db_bootstrap: (sha256:[0-9a-f]{64})\Z")


@dataclass(frozen=True)
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


def plan_digest(identity: Identity, statements: Iterable[Statement], remembered: str = "") -> str:
    """``sha256:`` and 64 hexadecimal digits, the same for the same statements on the same database.

    Args:
        identity: Which database it is.
        statements: What would run.
        remembered: The digest of the last reviewed plan that was carried out there; "" for none.
    """
    planned = [[statement.database, statement.sql] for statement in statements]
    content = [_FORMAT, *astuple(identity), remembered, planned]
    return "sha256:" + hashlib.sha256(json.dumps(content).encode()).hexdigest()


def is_digest(text: str) -> bool:
    """Whether ``text`` has the shape of a digest."""
    return _DIGEST.fullmatch(text) is not None


def remembered_in(comment: str) -> str:
    """The digest that a database's comment remembers; "" for none."""
    found = _REMEMBERED.search(comment)
    return found[1] if found else ""


def remembering(comment: str, digest: str) -> str:
    """A database's comment with this digest as its last line; what people wrote stays as it is."""
    text = _REMEMBERED.sub("", comment)
    return f"{text}\ndb_bootstrap: {digest}" if text else f"db_bootstrap: {digest}"
