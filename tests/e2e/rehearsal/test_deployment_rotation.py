"""Credentials are replaced under load, during deployments and against all odds; the tests run in this order."""

import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

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


def impatient_settings() -> str:
    """The service's settings with a pool that opens new connections all the time: a stale credential shows at once."""
    text = (CHECKOUT / "app" / "settings.py").read_text()
    changed, count = re.subn(r"(pool_recycle_seconds: .*) = 900\n", r"\1 = 1\n", text)
    assert count == 1
    return changed


def rotate_login(rehearsal: Rehearsal, name: str) -> None:
    """Rotate a login, and log in as its other login role, which is current then."""
    before = login(rehearsal, name)["username"]
    token = rehearsal.begin_rotation(name)

    def ends() -> list[str]:
        kinds = [event["kind"] for event in rehearsal.journal("rotation.") if event.get("version_id") == token]
        return [kind for kind in kinds if kind in ("rotation.succeeded", "rotation.abandoned")]

    wait_until(ends, f"the end of the rotation to {token}")
    assert ends()[-1] == "rotation.succeeded"
    current = login(rehearsal, name)
    assert {before, current["username"]} == {f"{name}_a", f"{name}_b"}
    with connected(rehearsal, current) as connection:
        assert connection.run("SELECT session_user::text") == [[current["username"]]]


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
        for name in ("beers_app", "beers_migrator"):
            rotate_login(rehearsal, name)
        assert not applying.done(), "the rotations were in the middle of it"
        applying.result()
        rotate_login(rehearsal, "beers_app")  # the first credential is no longer valid
        clients.wait_for(clients.requests + 100)
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
    assert "1 of 1 rotated, 0 failed attempts." in said
    assert re.search(r"\d+ requests in [\d.]+ s, 0 failed; \d+ beers added\.", said)
    both = "beers_migrator_a,beers_migrator_b"
    with server_refuses(rehearsal, both), pytest.raises(UserError, match="Something failed"):
        rotate(rehearsal.run, "beers_migrator")
    assert "given up after the last attempt; what is current stays" in capsys.readouterr().out
    rotate(rehearsal.run, "beers_migrator")
    assert "an earlier rotation did not end; it is attempted again" in capsys.readouterr().out


def test_rotate_command_names_the_logins_when_one_does_not_exist(rehearsal: Rehearsal) -> None:
    with pytest.raises(UserError, match="no rotated login 'nobody'; there is beers_app, beers_migrator, master"):
        rotate(rehearsal.run, "nobody")


@contextmanager
def server_refuses(rehearsal: Rehearsal, users: str) -> Iterator[None]:
    """The server refuses login roles with any password."""
    rules = database_folder(rehearsal) / "data" / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"hostssl all {users} all reject\n{before}")
    try:
        rehearsal.sql("SELECT pg_reload_conf()")
        yield
    finally:
        rules.write_text(before)
        rehearsal.sql("SELECT pg_reload_conf()")
