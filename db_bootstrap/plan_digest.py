"""The digest of a plan: one line by which an apply runs exactly the plan that was reviewed.

Pure. The digest covers the exact statements, in their order, and the identity of the database, so that the plan for one
database does not run on another one with the same differences. It also covers the digest of the last reviewed plan that
ran, which the database stores as the last line of its comment: if the same drift occurs twice, the two plans have
different digests, and a review of the first does not approve the second.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import astuple

from db_bootstrap.model import Statement
from db_bootstrap.values import dataclass

_FORMAT = "db_bootstrap plan 2"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_STORED = re.compile(r"(?:\A|\n)db_bootstrap: (sha256:[0-9a-f]{64})\Z")


@dataclass(frozen=True)
class Identity:
    """The identity of a database.

    Attributes:
        host: The server's name, as verified by its certificate. It stays the same through a restart and a failover. It
            is needed because RDS copies prepared servers: instances of one version share the system
            identifier.
        system_identifier: The number that ``initdb`` gave the server; a server restored from a snapshot has that of
            the original. None if the login cannot read it.
        database_oid: The number of the database in the server; it changes if the database is dropped and recreated.
    """

    host: str
    system_identifier: str | None
    database_oid: int
    database: str


def plan_digest(identity: Identity, statements: Iterable[Statement], stored: str = "") -> str:
    """Return ``sha256:`` and 64 hexadecimal digits; ``stored`` is the digest of the last reviewed plan, or empty."""
    import hashlib  # noqa: PLC0415 - it loads OpenSSL, which takes a thirtieth of the program's start

    planned = [[statement.database, statement.sql] for statement in statements]
    content = [_FORMAT, *astuple(identity), stored, planned]
    return "sha256:" + hashlib.sha256(json.dumps(content).encode()).hexdigest()


def is_digest(text: str) -> bool:
    """Return True if ``text`` has the format of a digest."""
    return _DIGEST.fullmatch(text) is not None


def stored_digest(comment: str) -> str:
    """Return the digest that is stored in a database's comment; "" for none."""
    match = _STORED.search(comment)
    return match[1] if match else ""


def with_stored_digest(comment: str, digest: str) -> str:
    """Return a database's comment with this digest as its last line, and the text for people unchanged."""
    text = _STORED.sub("", comment)
    return f"{text}\ndb_bootstrap: {digest}" if text else f"db_bootstrap: {digest}"
