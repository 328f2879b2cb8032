"""The type of the variable `access` covers the whole access document: Terraform silently drops what a type lacks."""

import re
from pathlib import Path

from db_bootstrap.cli.json_schema import document_schema
from tests.support.terraform_types import type_in, type_of

TERRAFORM = Path(__file__).parents[3] / "terraform"


def test_the_variables_type_is_the_documents() -> None:
    text = (TERRAFORM / "modules" / "database_access" / "variables.tf").read_text()
    (variable,) = re.findall(r'^variable "access" {\n(.*?)^}$', text, re.MULTILINE | re.DOTALL)
    assert type_in(variable) == type_of(document_schema())


def test_a_type_of_terraforms_follows_from_a_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "limit": {"type": ["integer", "null"]},
            "is_old": {"type": ["boolean", "null"]},
            "tags": {"type": ["array", "null"], "items": {"type": "string"}},
            "settings": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}},
            "parts": {
                "type": ["object", "null"],
                "additionalProperties": {"type": "object", "properties": {"size": {"type": "number"}}},
            },
        },
        "required": ["name"],
    }
    assert type_of(schema) == (
        "object({name=string,limit=optional(number),is_old=optional(bool),tags=optional(list(string)),"
        "settings=optional(map(string)),parts=optional(map(object({size=optional(number)})))})"
    )


def test_a_default_of_an_optional_attribute_is_no_part_of_the_type() -> None:
    variable = "  type = object({\n    a = optional(list(string), [])\n    b = optional(map(bool), {}) # why\n  })\n\n"
    assert type_in(variable) == "object({a=optional(list(string)),b=optional(map(bool))})"
