"""An apply that ends half-way is finished by the next: each kind of resource fails once to be created and deleted.

The first apply of dev does the same with the service.
"""

from collections.abc import Callable, Iterator

import pytest

from devtools.terraform.program import find_terraform
from rehearsal.terraform import TerraformError
from tests.support.rehearsal import Rehearsal, changes_of, prepared, quiet, run_in

pytestmark = [pytest.mark.rehearsal, pytest.mark.nightly, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    """An account without an environment."""
    with run_in(tmp_path_factory.mktemp("half_done")) as run:
        yield prepared(run, find_terraform()[0])


def test_an_apply_that_failed_at_any_kind_of_resource_is_finished_by_applying_again(rehearsed: Rehearsal) -> None:
    rehearsed.run.ask("faults", "POST")
    again_and_again(rehearsed, lambda: rehearsed.deployment.apply_environment(rehearsed.digest, quiet))
    assert {"rds CreateDBInstance", "ecs CreateService", "lambda CreateFunction"} <= failed(rehearsed)


def test_a_second_plan_of_it_is_empty(rehearsed: Rehearsal) -> None:
    assert changes_of(rehearsed.deployment.plan_environment(rehearsed.digest)) == {}


def test_a_destroy_that_failed_at_any_kind_of_resource_is_finished_by_destroying_again(rehearsed: Rehearsal) -> None:
    again_and_again(rehearsed, lambda: rehearsed.deployment.destroy(quiet))
    assert {"rds DeleteDBInstance", "ecs DeleteService", "lambda DeleteFunction"} <= failed(rehearsed)


def again_and_again(rehearsal: Rehearsal, run_terraform: Callable[[], object]) -> None:
    """Run Terraform until it succeeds; each time before, it is stopped by what had not failed yet."""
    while True:
        before = failed(rehearsal)
        try:
            run_terraform()
        except TerraformError as error:
            reason = str(error)
        else:
            return
        assert "InjectedFault" in reason
        assert failed(rehearsal) > before, "what stopped it is new"


def failed(rehearsal: Rehearsal) -> set[str]:
    """The kinds of call that have failed so far."""
    return set(rehearsal.run.ask("status")["failed_on_demand"])
