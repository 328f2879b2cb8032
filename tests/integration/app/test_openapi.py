"""The responses conform to the OpenAPI document."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.catalogue_database import CatalogueDatabase
from tests.support.served import Served, environment, serving

TOKEN = "a-token-for-tests-and-nothing-else"


@pytest.fixture
def guarded(catalogue: CatalogueDatabase, tmp_path: Path) -> Iterator[Served]:
    """The service, asking for a token."""
    with serving(tmp_path, DATABASE_URL=catalogue.url(catalogue.app), WRITE_TOKEN=TOKEN) as served:
        yield served


@pytest.mark.database
@pytest.mark.load
@pytest.mark.parametrize(
    ("examples", "cases"), [(20, 200), pytest.param(620, 2000, marks=pytest.mark.nightly)], ids=["200", "2000"]
)
def test_generated_requests_get_only_documented_responses(
    guarded: Served, tmp_path: Path, examples: int, cases: int
) -> None:
    report = tmp_path / "report.json"
    arguments = {
        "--checks": "all",
        "--header": f"Authorization: Bearer {TOKEN}",
        "--max-examples": str(examples),
        "--request-timeout": "20",
        "--report": "json",
        "--report-json-path": str(report),
    }
    ran = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", "--generation-deterministic"),
            *(part for argument in arguments.items() for part in argument),
            f"http://127.0.0.1:{guarded.port}/openapi.json",
        ],
        env=environment(HOME=str(tmp_path)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    found = json.loads(report.read_text())
    assert {phase: outcome["status"] for phase, outcome in found["phases"].items()} == dict.fromkeys(
        ("examples", "coverage", "fuzzing", "stateful"), "success"
    )
    assert found["operations"]["tested"] == found["operations"]["total"] == 7
    assert found["test_cases"]["generated"] >= cases
    assert TOKEN not in guarded.log_text()
