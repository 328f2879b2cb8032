"""Every file, command, test and heading that the documents name exists."""

import json
import os
import re
import shlex
import subprocess
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import yaml
from botocore import xform_name

from devtools.checkout import CHECKOUT
from devtools.images.store import command_of
from devtools.terraform.program import find_terraform

MAKEFILES = (CHECKOUT / "Makefile", *CHECKOUT.glob("*.mk"))
FOLDERS = ("app", "bench", "db_bootstrap", "devtools", "docs", "localaws", "rehearsal", "terraform", "tests")
DOCUMENTS = [*CHECKOUT.glob("*.md"), *(path for folder in FOLDERS for path in (CHECKOUT / folder).rglob("*.md"))]
TARGETS = set(re.findall(r"^([a-z-]+):", "".join(file.read_text() for file in MAKEFILES), flags=re.MULTILINE))
TEST_FILES = list((CHECKOUT / "tests").rglob("test_*.py"))
TESTS = set(re.findall(r"def (test_\w+)\(", "".join(path.read_text() for path in TEST_FILES)))
TESTS |= {path.name for path in TEST_FILES}
Problems = Iterator[object]


def in_documents(check: Callable[[Path], Problems]) -> Callable[[], None]:
    """Make a test of a check that yields what is wrong with one document."""

    def test() -> None:
        found = [(str(path.relative_to(CHECKOUT)), problem) for path in DOCUMENTS for problem in check(path)]
        assert found == []

    return test


# Written as one of ours, with nothing to be filled in.
PATH = re.compile(rf"({'|'.join((*FOLDERS, 'requirements', 'scripts', 'tests', '.github', '.ci'))})/[\w./-]*")


def prose(path: Path) -> str:
    """A document without its code blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)


@in_documents
def test_a_link_leads_to_a_file_and_a_heading_that_exist(document: Path) -> Problems:
    for target in re.findall(r"\]\(([^)]+)\)", prose(document)):
        if target.startswith(("http://", "https://")):
            continue
        name, _, heading = target.partition("#")
        file = (document.parent / name).resolve() if name else document
        headings = re.findall(r"^#+ (.+)$", file.read_text(), flags=re.MULTILINE) if heading else []
        anchors = {re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-") for text in headings}
        if not file.exists() or (heading and heading not in anchors):
            yield target


@in_documents
def test_a_make_target_that_is_named_exists(document: Path) -> Problems:
    yield from set(re.findall(r"\bmake ([a-z-]+)\b(?=[`\n ])", code(document))) - TARGETS


@in_documents
def test_a_test_or_a_file_of_tests_that_is_named_exists(document: Path) -> Problems:
    yield from set(re.findall(r"`(test_\w+(?:\.py)?)`", document.read_text())) - TESTS


def test_the_runbook_lists_every_alarm_with_the_test_that_triggers_it_or_its_source() -> None:
    text = (CHECKOUT / "docs" / "runbook.md").read_text()
    rows = re.findall(r"^\| \[([\w-]+)\]\(#alarm-\1\) \| [^|]+ \| ([^|]+) \|$", text, flags=re.MULTILINE)
    # test_production.py compares the sections with Terraform's alarms.
    assert [name for name, _ in rows] == re.findall(r"^### Alarm: ([\w-]+)$", text, flags=re.MULTILINE)
    for name, evidence in rows:
        tests = re.fullmatch(r"(`test_\w+`(, |$))+", evidence)
        assert tests or re.fullmatch(r"documented only: \[\w+\]\(https://docs\.aws\.amazon\.com/\S+\)", evidence), name


@in_documents
def test_a_command_of_aws_that_is_shown_exists_with_its_options(document: Path) -> Problems:
    for command in re.findall(r"\baws [a-z-]+ [a-z]+-[a-z-]+[^`\n]*", code(document)):
        _, service, operation = command.split()[:3]
        if operation not in OWN_COMMANDS_OF_THE_CLI and not options(command) <= known_options(service, operation):
            yield command


@in_documents
def test_a_path_that_is_named_exists(document: Path) -> Problems:
    near = (CHECKOUT, document.parent, CHECKOUT / "terraform")
    for span in re.findall(r"`([^`\n]+)`", prose(document)):
        if PATH.fullmatch(span) and not any((folder / span).exists() for folder in near):
            yield span


@in_documents
def test_a_module_that_is_run_exists(document: Path) -> Problems:
    yield from (name for name in re.findall(r"python3? -m ([\w.]+)", code(document)) if not find_spec(name))


@in_documents
def test_a_snippet_is_of_the_language_that_it_says(document: Path) -> Problems:
    for language, text in re.findall(
        r"^```(json|yaml|sh|hcl)\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL
    ):
        READERS[language](text)
    yield from ()


def read_shell(text: str) -> None:
    """Raise an error if it is not valid shell."""
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def read_terraform(text: str) -> None:
    """Raise an error if it is not valid HCL in the project's format."""
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
    """CI must run the commands that a newcomer types first."""
    pipeline = "".join(path.read_text() for path in (CHECKOUT / ".github" / "workflows").glob("*.yml"))
    assert "make test\n" in (CHECKOUT / ".ci" / "run").read_text()
    # `make rehearse` is up, demo and down; `make test` is test-fast and test-rehearsal.
    assert "targets: test-fast" in pipeline
    assert "make test-rehearsal\n" in pipeline
    assert "make rehearse" in pipeline


def test_the_readmes_way_to_run_the_service_is_the_images() -> None:
    readme = (CHECKOUT / "README.md").read_text()
    assert shlex.join(command_of(CHECKOUT / "Dockerfile")).replace("'", '"') in readme
    task = (CHECKOUT / "terraform" / "modules" / "service" / "task_definition.tf").read_text()
    assert '["python", "-m", "app", "migrate"]' in task
    assert "python -m app migrate" in readme
    assert "--require-hashes -r requirements/service.txt" in readme


@pytest.mark.parametrize(
    ("document", "heading", "fewest"),
    [
        ("SECURITY.md", "What is protected", 20),
        ("README.md", "Requirements of the assignment", 15),
        ("docs/findings.md", "Flaws of the starter", 25),
    ],
)
def test_each_claim_names_its_proof(document: str, heading: str, fewest: int) -> None:
    table = (CHECKOUT / document).read_text().partition(f"# {heading}")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")][2:]
    assert len(rows) >= fewest
    proof = re.compile(
        r"`test_\w+|`tests/[\w/]+|tftest\.hcl`|`(make image-test|--require-hashes|filterwarnings)`"
        r"|this table|none needed"
    )
    assert [row[0] for row in rows if not proof.search(row[-1])] == []


def test_the_zip_has_every_committed_file_and_is_reproducible(tmp_path: Path) -> None:
    def packed() -> bytes:
        subprocess.run(["make", "--silent", "dist"], cwd=CHECKOUT, check=True)
        return (CHECKOUT / "build" / "taproom.zip").read_bytes()

    first = tmp_path / "first.zip"
    first.write_bytes(packed())
    command = ["git", "ls-tree", "-r", "--name-only", "-z", "HEAD"]
    committed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split("\0")
    names = {name for name in zipfile.ZipFile(first).namelist() if not name.endswith("/")}
    assert names == {f"taproom/{name}" for name in committed if name}
    assert packed() == first.read_bytes()


# Phrases that read as translated, and their replacements.
PHRASES = {
    r"\b(who|what|which)ever\b": "name the actor, or write any",
    r"\b([Ss]ome|[Ee]very|[Aa]ny)body\b": "name the actor: the caller, a user, PUBLIC",
    r"\bin vain\b": "failed",
    r"\banew\b": "again",
    r"\bthereby\b": "so",
    r"\bbesides\b": "in addition",
    r"\bspare capacity\b": "Spot",
    r"\bby (it|them)sel(f|ves)\b": "automatically, or leave it out",
    r"\bof (its|their) own\b(?! [a-z])": "a separate ...",
    r"\bgo(es)? on (?!to )[a-z]+ing\b|\bgoes on\b": "continue",
    r"\b(is|are|was|were|be) told\b": "is notified, gets",
    r"\bmend(s|ed|ing)?\b": "fix, repair",
    r"(?<!here )\b(is|are|was|were) no (?!longer|more|such)[a-z]+\b": "is not a ...",
    r"\b(sees?|saw) to (it|the)\b": "ensure",
    r"\band nothing else\b": "only",
    r"\bstands? (there|in (a|the|its|braces))\b": "is in",
    r"\bknows? no\b": "has no, supports no",
    r"\b\w+(al|an|ar|ogn)is(e[ds]?|ing)\b": "British spelling with -ize",
}
WITHOUT_PROSE = ("CHANGELOG.md", "LICENSE", "requirements/", "tests/integration/test_documentation.py")


def test_no_text_has_a_phrase_that_reads_as_translated() -> None:
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split("\0")
    found = []
    for name in listed:
        path = CHECKOUT / name
        if not name or name.startswith(WITHOUT_PROSE) or path.suffix == ".png" or not path.is_file():
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found += [
                f"{name}:{number}: {it[0]!r}: {PHRASES[phrase]}"
                for phrase in PHRASES
                if (it := re.search(phrase, line))
            ]
    assert found == []


OWN_COMMANDS_OF_THE_CLI = ("generate-db-auth-token",)


def known_options(service: str, operation: str) -> set[str]:
    """The options of a command, as the AWS CLI makes them of the API's model."""
    model = botocore.session.get_session().get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    assert operation in names, f"aws {service} {operation}"
    shape: Any = model.operation_model(names[operation]).input_shape
    return {xform_name(name, "-") for name in shape.members} | {"query", "output", "region"}


def options(command: str) -> set[str]:
    """The options of a command's first part; what is true by being named has a no- form as well."""
    first = re.split(r"[)|]|  #", re.sub(r"\$\([^)]*\)", "", command))[0]
    return {option.removeprefix("no-") for option in re.findall(r" --([a-z-]+)", first)}


def code(path: Path) -> str:
    """Return what a document shows as code: blocks, and spans between backticks."""
    text = path.read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *(f"`{span}`" for span in re.findall(r"`([^`\n]+)`", prose(path)))])


@pytest.mark.parametrize("package", ["app", "devtools", "localaws", "rehearsal"])
def test_the_diagram_of_a_package_shows_the_layers_that_lint_checks(package: str) -> None:
    contracts = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layered = [contract for contract in contracts if contract["type"] == "layers"]
    (layers,) = [each["layers"] for each in layered if package in each.get("containers", ["rehearsal"])]
    (diagram,) = re.findall(r"```mermaid\n(.*?)```", (CHECKOUT / package / "README.md").read_text(), re.DOTALL)
    assert re.findall(r'\["(.+?)"\]', diagram) == layers


@pytest.mark.parametrize(("given", "used"), [({}, "400"), ({"GOGC": "50"}, "50")])
def test_make_sets_the_garbage_collection_of_terraform_unless_it_is_set(given: dict[str, str], used: str) -> None:
    makefile = "include Makefile\nshow: ; @echo $$GOGC\n"
    shown = subprocess.run(
        ["make", "--silent", "--file=-", "show"],
        cwd=CHECKOUT,
        env={"PATH": os.environ["PATH"], **given},
        input=makefile,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == f"{used}\n"
