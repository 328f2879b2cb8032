"""The README of the module that other projects use lists its inputs."""

from pathlib import Path

from scripts.terraform_tables import TERRAFORM, readmes, with_tables


def test_a_readme_lists_every_input_as_it_is_declared() -> None:
    (readme,) = readmes()
    assert readme == TERRAFORM / "modules" / "database_access" / "README.md"
    assert readme.read_text() == with_tables(readme), "run `make docs`"


def test_a_list_says_what_is_required_and_what_a_thing_is_by_default(tmp_path: Path) -> None:
    (tmp_path / "variables.tf").write_text(
        'variable "size" {\n  description = "How large."\n  type        = number\n  default     = 3\n}\n\n'
        'variable "access" {\n  description = "Who and what."\n  type = object({\n    name = string\n  })\n}\n'
    )
    readme = tmp_path / "README.md"
    readme.write_text("# Size\n\n<!-- make docs: inputs -->\nold\n<!-- end -->\nMore.\n")
    assert with_tables(readme) == (
        "# Size\n\n<!-- make docs: inputs -->\n\n"
        "- `access`: Who and what. Required.\n- `size`: How large. Default: `3`.\n\n<!-- end -->\nMore.\n"
    )
