"""The access document is defined once: its documentation follows from the JSON Schema."""

from scripts.access_document import GUIDE, with_keys


def test_the_documentation_is_the_documents() -> None:
    assert GUIDE.read_text() == with_keys(GUIDE.read_text()), "run `make docs`"
