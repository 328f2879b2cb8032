"""Terraform restores the database to a point in time as another instance, and everything moves to it and back."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.rehearsal import Rehearsal, apply, changes_of, quiet
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rehearsal, pytest.mark.nightly, pytest.mark.timeout(1800)]
FORMER = "taproom-dev"


def test_a_restored_database_serves_its_moment_and_the_former_one_stays(rehearsal: Rehearsal) -> None:
    before = add(rehearsal, "Added before")
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    while datetime.now(UTC) < moment:
        time.sleep(0.1)
    after = add(rehearsal, "Added after")
    environment = rehearsal.deployment.environment
    variables = {
        **rehearsal.deployment.variables(rehearsal.digest),
        "database_restore": {"source": FORMER, "at": f"{moment:%Y-%m-%dT%H:%M:%SZ}"},
        "database_former_instances": [FORMER],
    }
    try:
        environment.apply(variables, quiet, var_file="dev.tfvars")
        wait_until(lambda: statuses(rehearsal, before, after) == [200, 404], "the restored database")
        assert rehearsal.aws("rds").describe_db_instances(DBInstanceIdentifier=FORMER)["DBInstances"]
        # The provider sets Performance Insights only in the next apply.
        assert list(changes_of(environment.plan(variables, var_file="dev.tfvars")).values()) == [["update"]]
    finally:
        apply(rehearsal)
    wait_until(lambda: statuses(rehearsal, before, after) == [200, 200], "the former database")


def statuses(rehearsal: Rehearsal, *paths: str) -> list[int]:
    return [rehearsal.client.get(path).status for path in paths]


def add(rehearsal: Rehearsal, name: str) -> str:
    """Have a beer acknowledged, and return its path."""
    answer = rehearsal.client.post("/beers", {"name": name, "style": "Lager", "abv": 5})
    assert answer.status == 201
    return f"/beers/{answer.body['id']}"
