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
