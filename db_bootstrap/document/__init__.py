"""The access document: the desired access of one database, as typed, validated values.

Pure: no connection to a server. Terraform passes the document as JSON, with ``null`` for what was left out; people
can write YAML. An invalid document is refused here, before any connection, with all problems at once: each with the
path of the key and the remedy.
"""

from db_bootstrap.document.model import AccessDocument
from db_bootstrap.document.reader import structured
from db_bootstrap.document.rules import contradictions
from db_bootstrap.errors import AccessDocumentError


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
