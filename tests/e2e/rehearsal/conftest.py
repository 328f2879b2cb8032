"""The deployment that the tests of dev share."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from rehearsal import deployment
from rehearsal.run import Run
from tests.support.journal import end_of_journal
from tests.support.rehearsal import Rehearsal, applied


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of the journal to a failure: the run's folder is gone when somebody reads the report."""
    report = yield
    if report.failed:
        for value in item.funcargs.values():
            if isinstance(value, Rehearsal):
                report.sections.append(("end of the journal", end_of_journal(value.run.logs)))
    return report


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """Apply account and environment; at the end all processes are stopped, even after a failure."""
    run = Run(tmp_path_factory.mktemp("rehearsal") / "run")
    try:
        yield applied(run)
    finally:
        deployment.stop_local_aws(run)
        run.clear()


@pytest.fixture(scope="session")
def statements_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which every rehearsal, in whichever process, saves the statements that it has seen."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "statements"
