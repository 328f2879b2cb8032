"""The two deployments that tests share: dev, as `make up` makes it; staging and prod, as the workflows make them."""

import os
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devtools.terraform.program import find_terraform
from rehearsal.terraform import TerraformError
from tests.support.journal import end_of_journal
from tests.support.local_aws import allow
from tests.support.pipeline import ENVIRONMENTS, Pipeline, pipeline_on
from tests.support.rehearsal import Rehearsal, apply, denied, prepared, run_in
from tests.support.workflows import SUCCESS


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the end of the journal to a failure: the run's folder is gone when the report is read."""
    report = yield
    if report.failed:
        for value in item.funcargs.values():
            if isinstance(value, Rehearsal | Pipeline):
                report.sections.append(("end of the journal", end_of_journal(value.run.logs)))
    return report


@pytest.fixture(scope="session")
def terraform_as_library() -> str:
    """Return the path of the library's launcher: the newest Terraform that is known to work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TERRAFORM", "library")
        return find_terraform()[0]


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory, terraform_as_library: str) -> Iterator[Rehearsal]:
    """Apply account and environment with Terraform as a library, which succeeds at the second attempt."""
    with run_in(tmp_path_factory.mktemp("rehearsal")) as run:
        rehearsal = prepared(run, terraform_as_library)
        refused = allow("ecs:CreateService")
        with denied(rehearsal, "taproom-deploy-dev", refused), pytest.raises(TerraformError) as failure:
            apply(rehearsal)
        rehearsal.failed_apply = str(failure.value)
        apply(rehearsal)
        yield rehearsal


@pytest.fixture(scope="session")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Apply staging and prod with main's first image, at the same time: most of an apply is waiting.

    So a name or a permission that one environment takes from the other fails here.
    """
    with run_in(tmp_path_factory.mktemp("release")) as run:
        pipeline = pipeline_on(run)
        pipeline.commit({})
        digest = pipeline.push()
        with ThreadPoolExecutor(len(ENVIRONMENTS)) as pool:
            applies = [pool.submit(pipeline.deploy, name, digest) for name in ENVIRONMENTS]
        for made in applies:
            assert made.result() == (SUCCESS, ""), made.result()[1]
        yield pipeline


@pytest.fixture(scope="session")
def statements_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which every rehearsal, in any process, saves the statements that it has seen."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "statements"
