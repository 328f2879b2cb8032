"""The access document is defined once: its documentation and Terraform's type follow from the JSON Schema."""

from scripts.access_document import GUIDE, VARIABLES, type_of, with_keys, with_type


def test_the_documentation_and_the_variables_type_are_the_documents() -> None:
    assert GUIDE.read_text() == with_keys(GUIDE.read_text()), "run `make docs`"
    variables = VARIABLES.read_text()
    assert "".join(variables.split()) == "".join(with_type(variables).split()), "run `make docs`"


def test_a_type_of_terraforms_follows_from_a_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "limit": {"type": ["integer", "null"]},
            "tags": {"type": ["array", "null"], "items": {"type": "string"}, "default": []},
            "settings": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}},
            "parts": {
                "type": ["object", "null"],
                "additionalProperties": {"type": "object", "properties": {"is_old": {"type": "boolean"}}},
            },
        },
        "required": ["name"],
    }
    assert "".join(type_of(schema).split()) == (
        "object({name=stringlimit=optional(number)tags=optional(list(string),[])"
        "settings=optional(map(string))parts=optional(map(object({is_old=optional(bool)})))})"
    )
