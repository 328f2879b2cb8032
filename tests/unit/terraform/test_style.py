"""The configuration read as text: what `terraform validate` does not ask for."""

import re
from pathlib import Path

import pytest

from scripts.terraform_tables import TERRAFORM, blocks

FILES = sorted(path for path in TERRAFORM.rglob("*.tf") if ".terraform" not in path.parts)
TEXT = "\n".join(path.read_text() for path in FILES)
VARIABLES, OUTPUTS = (
    {
        f"{folder.name}: {name}": body
        for folder in {path.parent for path in FILES}
        for name, body in blocks(folder, kind)
    }
    for kind in ("variable", "output")
)


def test_descriptions_are_sentences_and_no_bool_can_be_null() -> None:
    """tflint demands a type and a description."""
    sentence = re.compile(r'^  description += "[A-Z].+\."$', re.MULTILINE)
    assert VARIABLES
    assert [name for name, body in {**VARIABLES, **OUTPUTS}.items() if not sentence.search(body)] == []
    not_nullable = re.compile(r"^  nullable += false$", re.MULTILINE)
    assert [name for name, body in VARIABLES.items() if "= bool\n" in body and not not_nullable.search(body)] == []


@pytest.mark.parametrize("kind", ["variable", "output"])
def test_variables_and_outputs_are_declared_in_their_own_files(kind: str) -> None:
    found = [path for path in FILES if re.search(rf'^{kind} "', path.read_text(), re.MULTILINE)]
    assert {path.name for path in found} == {f"{kind}s.tf"}


def test_both_variables_of_rotation_have_the_same_validations() -> None:
    """Runs of terraform test break each in one of the two."""
    logins, master = (
        VARIABLES[name].partition("  validation {")[2]
        for name in ("database_access: rotation", "environment: master_rotation")
    )
    assert logins.replace("var.rotation", "var.master_rotation").replace("such as 30,", "such as 7,") == master


@pytest.mark.parametrize("path", [*(TERRAFORM / "modules").glob("*/versions.tf")], ids=lambda path: path.parent.name)
def test_a_module_accepts_newer_providers(path: Path) -> None:
    assert re.findall(r"version = (.+) }$", path.read_text(), re.MULTILINE) == ['">= 5.100"']


@pytest.mark.parametrize("root", ["account", "environment", "examples/existing-database"])
def test_a_root_module_accepts_provider_6_and_locks_the_oldest_version_for_every_platform(root: str) -> None:
    assert '">= 5.100, < 7"' in (TERRAFORM / root / "versions.tf").read_text()
    lock = (TERRAFORM / root / ".terraform.lock.hcl").read_text()
    assert '"5.100.0"' in lock
    assert lock.count('"h1:') >= 2
    assert lock.count('"zh:') >= 14


def test_the_regions_name_is_read_by_the_attribute_that_provider_6_keeps() -> None:
    assert [path.name for path in FILES if re.search(r"data\.aws_region\.\w+\.(name|region)\b", path.read_text())] == []


def test_only_the_load_balancer_admits_addresses_outside_the_vpc() -> None:
    kinds = "aws_vpc_security_group_ingress_rule|aws_security_group_rule"
    rules = re.findall(rf'^resource "(?:{kinds})" "(\w+)" {{\n(.*?)^}}', TEXT, re.MULTILINE | re.DOTALL)
    assert [name for name, body in rules if "cidr_" in body] == ["load_balancer_from_clients"]


def test_a_suppressed_rule_of_trivy_has_a_reason() -> None:
    found = [(path.name, text) for path in FILES for text in re.findall(r"trivy:ignore:(.*)", path.read_text())]
    assert found
    assert [(name, text) for name, text in found if not re.match(r"AWS-\d{4} ([\w;:,.-]+ ){8}", text)] == []
    assert not list(TERRAFORM.parent.glob(".trivyignore*"))


def test_a_policy_statement_for_every_principal_denies_or_has_a_condition() -> None:
    statements = re.findall(r"^  statement {\n(.*?)^  }$", TEXT, re.MULTILINE | re.DOTALL)
    public = [text for text in statements if 'identifiers = ["*"]' in text]
    assert public
    assert [text for text in public if "condition {" not in text] == []
