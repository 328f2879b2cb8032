"""The OpenAPI document says what is served, and what is served keeps to it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.postgres.binaries import servers_by_major
from tests.support.catalogue_database import CatalogueDatabase
from tests.support.served import Served, environment, serving

TOKEN = "a-token-for-tests-and-nothing-else"
CASES = 2000


@pytest.fixture
def guarded(catalogue: CatalogueDatabase, tmp_path: Path) -> Iterator[Served]:
    """The service, asking for a token."""
    with serving(tmp_path, DATABASE_URL=catalogue.url(catalogue.app), WRITE_TOKEN=TOKEN) as served:
        yield served


@pytest.mark.database
@pytest.mark.parametrize(
    "postgres", servers_by_major()[:1], ids=lambda server: f"PostgreSQL {server.major}", indirect=True, scope="session"
)
def test_two_thousand_generated_requests_meet_no_fault_and_no_answer_that_is_not_documented(
    guarded: Served, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    arguments = {
        "--checks": "all",
        "--header": f"Authorization: Bearer {TOKEN}",
        "--max-examples": "620",
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
    assert found["operations"]["tested"] == found["operations"]["total"] == 6
    assert found["test_cases"]["generated"] >= CASES
    assert TOKEN not in guarded.log_text()
