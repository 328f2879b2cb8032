"""Credentials are replaced under load, during deployments and against all odds; the tests run in this order."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pg8000.exceptions
import pytest

from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from rehearsal.rotate import rotate
from tests.support.documents import beers
from tests.support.rehearsal import (
    Rehearsal,
    connected,
    database_folder,
    image_of_changed_service,
    login,
    master,
    quiet,
)
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

LOGINS = ("beers_app", "beers_migrator")


def impatient_settings() -> str:
    """The service's settings with a pool that opens new connections all the time: a stale credential shows at once."""
    text = (CHECKOUT / "app" / "settings.py").read_text()
    changed, count = re.subn(r"(pool_recycle_seconds: .*) = 900\n", r"\1 = 1\n", text)
    assert count == 1
    return changed


def end_of(rehearsal: Rehearsal, token: str) -> str:
    """Return how a rotation ended last, once it has."""
    wait_until(lambda: ends_of(rehearsal, token), f"the end of the rotation to {token}")
    return ends_of(rehearsal, token)[-1]


def ends_of(rehearsal: Rehearsal, token: str) -> list[str]:
    ends = ("rotation.succeeded", "rotation.abandoned")
    events = [event for event in rehearsal.journal("rotation.") if event.get("version_id") == token]
    return [event["kind"].removeprefix("rotation.") for event in events if event["kind"] in ends]


def rotated(rehearsal: Rehearsal, name: str) -> str:
    """Rotate a login; the login role that is current then."""
    before = login(rehearsal, name)["username"]
    assert end_of(rehearsal, rehearsal.begin_rotation(name)) == "succeeded"
    current = login(rehearsal, name)
    assert {before, current["username"]} == {f"{name}_a", f"{name}_b"}
    assert logs_in(rehearsal, current)
    return str(current["username"])


def logs_in(rehearsal: Rehearsal, credential: dict[str, Any]) -> bool:
    try:
        with connected(rehearsal, credential) as connection:
            return bool(connection.run("SELECT session_user::text") == [[credential["username"]]])
    except pg8000.exceptions.Error:
        return False


def test_rotation_during_a_deployment_loses_no_request(rehearsal: Rehearsal, tmp_path: Path) -> None:
    before = master(rehearsal)
    arn = rehearsal.instance()["MasterUserSecret"]["SecretArn"]
    rehearsal.aws("secretsmanager").rotate_secret(SecretId=arn)
    assert master(rehearsal) != before
    access = beers()
    access["logins"]["beers_app"]["connection_limit"] = 119
    digest = image_of_changed_service(rehearsal, tmp_path, {"app/settings.py": impatient_settings()})
    variables = {
        **rehearsal.deployment.variables(digest),
        "access": access,  # so that the bootstrap runs as well, with the master's new password
    }
    with rehearsal.load() as clients, ThreadPoolExecutor(1) as pool:
        applying = pool.submit(rehearsal.deployment.environment.apply, variables, quiet, "dev.tfvars")
        wait_until(lambda: applying.done() or len(rehearsal.service()["deployments"]) > 1)
        for name in LOGINS:
            rotated(rehearsal, name)
        assert not applying.done(), "the rotations were in the middle of it"
        applying.result()
        rotated(rehearsal, "beers_app")  # the first credential is no longer valid
        clients.wait_for(clients.requests + 200)
    rehearsal.digest = digest
    outputs = rehearsal.deployment.environment.outputs()
    assert any("CONNECTION LIMIT 119" in change["sql"] for change in outputs["access_report"]["changes"])
    assert clients.failures == []
    found = Counter(name for (name,) in rehearsal.sql("SELECT name FROM beers.beers WHERE name LIKE 'Load %'"))
    assert {name: found[name] for name in clients.added} == dict.fromkeys(clients.added, 1)


def test_rotate_command_shows_each_step_and_fails_if_a_rotation_does(
    rehearsal: Rehearsal, capsys: pytest.CaptureFixture[str]
) -> None:
    rotate(rehearsal.run, "beers_migrator")
    said = capsys.readouterr().out
    assert re.findall(r"(\w+Secret) +done in", said) == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert "1 of 1 rotated in 4 steps, 0 failed attempts." in said
    assert re.search(r"\d+ requests in [\d.]+ s, 0 failed; \d+ beers added\.", said)
    with (
        server_refuses(rehearsal, "beers_migrator_a"),
        server_refuses(rehearsal, "beers_migrator_b"),
        pytest.raises(UserError, match="Something failed"),
    ):
        rotate(rehearsal.run, "beers_migrator")
    assert "given up after the last attempt; what is current stays" in capsys.readouterr().out
    rotate(rehearsal.run, "beers_migrator")
    assert "an earlier rotation did not end; it is attempted again" in capsys.readouterr().out


def test_rotate_command_names_the_logins_when_one_does_not_exist(rehearsal: Rehearsal) -> None:
    with pytest.raises(UserError, match="no rotated login 'nobody'; there is beers_app, beers_migrator, master"):
        rotate(rehearsal.run, "nobody")


@contextmanager
def server_refuses(rehearsal: Rehearsal, user: str) -> Iterator[None]:
    """The server refuses one login role with any password."""
    rules = database_folder(rehearsal) / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"hostssl all {user} all reject\n{before}")
    try:
        rehearsal.sql("SELECT pg_reload_conf()")
        yield
    finally:
        rules.write_text(before)
        rehearsal.sql("SELECT pg_reload_conf()")
