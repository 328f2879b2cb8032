"""Every validation, precondition and postcondition is broken by a run of `terraform test`, which must then be refused.

Test files are read as text, like the configuration: `terraform fmt` puts a block's end at the beginning of a line.
"""

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.terraform_tables import TERRAFORM, blocks

EXAMPLES = [*(TERRAFORM / "examples").iterdir()]
MODULES = sorted({path.parent for path in TERRAFORM.rglob("variables.tf") if ".terraform" not in path.parts})

# Blocks that can have conditions, with the beginning of their address.
KINDS = {"variable": "var.", "resource": "", "data": "data.", "output": "output."}


class Run(NamedTuple):
    """A run of a test file: which module it runs, and what it expects to be refused."""

    name: str
    module: Path
    refused: frozenset[str]


def _conditions(module: Path) -> Counter[str]:
    """Return how many conditions each address of a module has."""
    return Counter(
        {
            address: len(re.findall(r"^ +(?:validation|precondition|postcondition) {$", body, re.MULTILINE))
            for kind, beginning in KINDS.items()
            for address, body in ((beginning + name, body) for name, body in blocks(module, kind))
        }
    )


def _runs(root: Path) -> list[Run]:
    """The runs in a root module's test files."""
    return [
        Run(name, _module(root, body), _refused(body)) for name, body in blocks(root / "tests", "run", "*.tftest.hcl")
    ]


def _module(root: Path, body: str) -> Path:
    source = re.search(r'^  module { source = "(.+)" }$', body, re.MULTILINE)
    return (root / source[1]).resolve() if source else root


def _refused(body: str) -> frozenset[str]:
    expected = re.search(r"^  expect_failures += \[(.*?)\]$", body, re.MULTILINE | re.DOTALL)
    return frozenset(re.findall(r"[a-z]\w*(?:\.\w+)+", expected[1]) if expected else [])


RUNS = [run for root in ("account", "environment") for run in _runs(TERRAFORM / root)]


def test_conditions_and_runs_are_found() -> None:
    assert _conditions(TERRAFORM / "environment")["var.domain_name"] == 3
    assert _conditions(TERRAFORM / "modules" / "service")["data.aws_ecs_service.deployed"] == 1
    assert (
        {module for module in MODULES if _conditions(module).total()}
        <= {run.module for run in RUNS}
        <= {*MODULES, *EXAMPLES}
    )


@pytest.mark.parametrize("module", [pytest.param(module, id=module.name) for module in MODULES])
def test_every_condition_is_broken_by_a_run_of_its_own(module: Path) -> None:
    tested = Counter(address for run in RUNS if run.module == module for address in run.refused)
    missing = [
        f"{module.name} {address} (has {number}, tested {tested[address]})"
        for address, number in _conditions(module).items()
        if tested[address] < number
    ]
    assert not missing, "\n".join(missing)
