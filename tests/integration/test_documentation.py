"""What the documents name exists."""

import importlib.util
import json
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore import xform_name

from devtools.checkout import CHECKOUT
from devtools.images.store import command_of
from devtools.terraform.program import find_terraform

FOLDERS = ("app", "bench", "db_bootstrap", "docs", "rehearsal", "terraform")
DOCUMENTS = [*CHECKOUT.glob("*.md"), *(path for folder in FOLDERS for path in (CHECKOUT / folder).rglob("*.md"))]
TEXTS = [pytest.param(path, id=str(path.relative_to(CHECKOUT))) for path in sorted(DOCUMENTS)]

# Written as one of ours, with nothing to be filled in.
PATH = re.compile(rf"({'|'.join((*FOLDERS, 'requirements', 'scripts', 'tests', '.github', '.ci'))})/[\w./-]*")


def prose(path: Path) -> str:
    """A document without its code blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", TEXTS)
def test_a_link_leads_to_a_file_and_a_heading_that_exist(document: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", prose(document)):
        if target.startswith(("http://", "https://")):
            continue
        name, _, heading = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        assert file.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", file.read_text(), flags=re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}, target


@pytest.mark.parametrize("document", TEXTS)
def test_a_make_target_that_is_named_exists(document: Path) -> None:
    makefiles = "".join((CHECKOUT / name).read_text() for name in ("Makefile", "ci.mk"))
    targets = set(re.findall(r"^([a-z-]+):", makefiles, flags=re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)\b(?=[`\n ])", code(document))) <= targets


@pytest.mark.parametrize("document", TEXTS)
def test_a_test_that_is_named_exists(document: Path) -> None:
    tests = "".join(path.read_text() for path in (CHECKOUT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", document.read_text())
    assert [name for name in named if f"def {name}(" not in tests] == []


@pytest.mark.parametrize("document", TEXTS)
def test_a_command_of_aws_that_is_shown_exists_with_its_options(document: Path) -> None:
    for command in re.findall(r"\baws [a-z-]+ [a-z]+-[a-z-]+[^`\n]*", code(document)):
        _, service, operation = command.split()[:3]
        if operation not in OWN_COMMANDS_OF_THE_CLI:
            assert options(command) <= known_options(service, operation), command


@pytest.mark.parametrize("document", TEXTS)
def test_a_path_that_is_named_exists(document: Path) -> None:
    named = [span for span in re.findall(r"`([^`\n]+)`", prose(document)) if PATH.fullmatch(span)]
    near = (CHECKOUT, document.parent, CHECKOUT / "terraform")
    assert [path for path in named if not any((folder / path).exists() for folder in near)] == []


@pytest.mark.parametrize("document", TEXTS)
def test_a_file_of_tests_that_is_named_exists(document: Path) -> None:
    files = {path.name for path in (CHECKOUT / "tests").rglob("test_*.py")}
    assert set(re.findall(r"`(test_\w+\.py)`", document.read_text())) <= files


@pytest.mark.parametrize("document", TEXTS)
def test_a_module_that_is_run_exists(document: Path) -> None:
    for name in re.findall(r"python3? -m ([\w.]+)", code(document)):
        assert importlib.util.find_spec(name), name


@pytest.mark.parametrize("document", TEXTS)
def test_a_snippet_is_of_the_language_that_it_says(document: Path) -> None:
    for language, text in re.findall(
        r"^```(json|yaml|sh|hcl)\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL
    ):
        READERS[language](text)


def read_shell(text: str) -> None:
    """Raises if it is no shell."""
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def read_terraform(text: str) -> None:
    """Raises if it is no HCL, or is not formatted as ours is."""
    program, _ = find_terraform()
    done = subprocess.run([program, "fmt", "-"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, text), done.stderr


READERS: dict[str, Callable[[str], object]] = {
    "hcl": read_terraform,
    "json": json.loads,
    "sh": read_shell,
    "yaml": yaml.safe_load,
}


def test_every_document_is_in_the_index() -> None:
    index = (CHECKOUT / "docs" / "README.md").read_text()
    pages = {path.name for path in (CHECKOUT / "docs").glob("*.md")} - {"README.md"}
    assert [page for page in pages if f"({page})" not in index] == []


def test_every_decision_is_named_where_things_are_decided() -> None:
    page = (CHECKOUT / "docs" / "architecture.md").read_text()
    decisions = {path.name for path in (CHECKOUT / "docs" / "decisions").glob("*.md")}
    assert [name for name in decisions if f"(decisions/{name})" not in page] == []


def test_the_readmes_commands_are_those_that_the_pipeline_runs() -> None:
    """What a newcomer types first, a change must have passed."""
    pipeline = "".join(path.read_text() for path in (CHECKOUT / ".github" / "workflows").glob("*.yml"))
    assert "make test\n" in (CHECKOUT / ".ci" / "run").read_text()
    # `make rehearse` is up, checks and down; `make test` is test-fast and test-rehearsal.
    assert all(f"make {name}\n" in f"{pipeline}\n" for name in ("test-fast", "test-rehearsal"))
    assert "make rehearse" in pipeline


def test_the_readmes_way_to_run_the_service_is_the_images() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    assert shlex.join(command_of(CHECKOUT / "Dockerfile")).replace("'", '"') in readme
    task = (CHECKOUT / "terraform" / "modules" / "service" / "task_definition.tf").read_text()
    assert '["python", "-m", "app", "migrate"]' in task
    assert "python -m app migrate" in readme
    assert "--require-hashes -r requirements/service.txt" in readme


def test_what_security_claims_is_proven_by_something_that_is_named() -> None:
    text = (CHECKOUT / "SECURITY.md").read_text()
    table = text.partition("## What is protected")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) > 20
    named = re.compile(r"`test_\w+`|`(test_\w+|tests/[\w/]+)\.py`|`make image-test`")
    assert [row[0] for row in rows if not named.search(row[-1])] == []


OWN_COMMANDS_OF_THE_CLI = ("generate-db-auth-token",)


def known_options(service: str, operation: str) -> set[str]:
    """The options of a command, as the AWS CLI makes them of the API's model."""
    model = botocore.session.get_session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in names, f"aws {service} {operation}"
    shape: Any = model.operation_model(names[operation]).input_shape
    return {xform_name(name, "-") for name in shape.members} | {"query", "output"}


def options(command: str) -> set[str]:
    """The options of a command's first part; what is true by being named has a no- form as well."""
    first = re.split(r"[)|]|  #", re.sub(r"\$\([^)]*\)", "", command))[0]
    return {option.removeprefix("no-") for option in re.findall(r" --([a-z-]+)", first)}


def code(path: Path) -> str:
    """What a document shows as code: blocks, and spans between backticks."""
    text = path.read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *(f"`{span}`" for span in re.findall(r"`([^`\n]+)`", prose(path)))])
