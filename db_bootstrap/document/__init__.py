"""The access document: who may do what in one database, as typed, checked values.

Pure: it knows nothing of a server. Terraform passes the document as JSON, with ``null`` for what was left
out; a person may write the same as YAML. Whatever is wrong with it is refused here, before anything is
connected to, and all problems at once: each with the path to the offending key and the remedy.
"""

from db_bootstrap.document.model import (
    LIST_SETTINGS,
    MAXIMUM_CONNECTION_LIMIT,
    AccessDocument,
    Credential,
    Everybody,
    Extension,
    Grant,
    GrantKind,
    Login,
    MembershipOptions,
    Preset,
    Retirement,
    Role,
    Schema,
    Unlisted,
    sibling_names,
)
from db_bootstrap.document.reader import structured
from db_bootstrap.document.rules import contradictions
from db_bootstrap.errors import AccessDocumentError

__all__ = [
    "LIST_SETTINGS",
    "MAXIMUM_CONNECTION_LIMIT",
    "AccessDocument",
    "Credential",
    "Everybody",
    "Extension",
    "Grant",
    "GrantKind",
    "Login",
    "MembershipOptions",
    "Preset",
    "Retirement",
    "Role",
    "Schema",
    "Unlisted",
    "parse",
    "sibling_names",
]


def parse(raw: object) -> AccessDocument:
    """The document in ``raw``, as read from JSON or YAML.

    Raises:
        AccessDocumentError: It is not a document, or one that contradicts itself.
    """
    document = structured(raw)
    found = tuple(contradictions(document))
    if found:
        raise AccessDocumentError(found)
    return document
