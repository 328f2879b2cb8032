"""The access document: the desired access of one database, as typed, validated values.

Pure: no connection to a server. Terraform passes the document as JSON, with ``null`` for what was left out; people
can write YAML. An invalid document is refused here, before any connection, with all problems at once: each with the
path of the key and the remedy.
"""

from db_bootstrap.document.model import (
    IAM_ROLE,
    LIST_SETTINGS,
    MAXIMUM_CONNECTION_LIMIT,
    AccessDocument,
    CredentialKind,
    Extension,
    Grant,
    GrantKind,
    Login,
    MembershipOptions,
    Preset,
    Public,
    Retirement,
    Role,
    Schema,
    Unlisted,
    login_role_names,
)
from db_bootstrap.document.reader import structured
from db_bootstrap.document.rules import contradictions
from db_bootstrap.errors import AccessDocumentError

__all__ = [
    "IAM_ROLE",
    "LIST_SETTINGS",
    "MAXIMUM_CONNECTION_LIMIT",
    "AccessDocument",
    "CredentialKind",
    "Extension",
    "Grant",
    "GrantKind",
    "Login",
    "MembershipOptions",
    "Preset",
    "Public",
    "Retirement",
    "Role",
    "Schema",
    "Unlisted",
    "login_role_names",
    "parse_document",
]


def parse_document(raw: object) -> AccessDocument:
    """Return the document in ``raw``, which is parsed JSON or YAML.

    Raises:
        AccessDocumentError: It is not a document, or contradicts itself.
    """
    document = structured(raw)
    problems = tuple(contradictions(document))
    if problems:
        raise AccessDocumentError(problems)
    return document
