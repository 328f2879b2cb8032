"""A restored database has the passwords of its time; the function and the service recover without help."""

import json
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pg8000.exceptions
import pytest

from app.database.migrate import migrate
from db_bootstrap.credentials.rotation import Step
from db_bootstrap.document import login_role_names
from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Backup, data_directory, give_to_server, remove_left_data
from tests.support.database import connect_over_tls, running_cluster
from tests.support.rotation import DATABASE, LOGIN, MASTER, MIGRATOR, RotatingDatabase, SecretsManager, secrets_manager
from tests.support.served import Served, serving
from tests.support.waiting import wait_until

pytestmark = pytest.mark.database

GUEST = "beers_guest"
RETIRED: dict[str, dict[str, str]] = {name: {} for name in (GUEST, *login_role_names(GUEST))}
MOMENTS = (
    "before the first rotation",
    *(f"after {step}" for step in Step),
    "before the retirement",
    "after the retirement",
)


@dataclass
class History:
    """A database's life until it is lost, with the moments to restore it to.

    Attributes:
        beers: The names of the beers that the service had acknowledged, by moment.
        until: The time of each moment.
        known: Every user and password that a secret ever had.
    """

    database: RotatingDatabase
    manager: SecretsManager
    service: Served
    backup: Backup
    beers: dict[str, set[str]] = field(default_factory=dict)
    until: dict[str, datetime] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)
    _labels: dict[str, dict[str, str]] = field(default_factory=dict)

    def live(self) -> None:
        """Add a beer at each moment; all logins rotate twice, a guest comes and is retired."""
        self.mark(MOMENTS[0])
        for step in self.database.steps():
            self.mark(f"after {step}")
        for login in (LOGIN, MIGRATOR, MIGRATOR):
            self.database.rotate(login)
        self.database.arns[GUEST] = self.database.create_secret()
        self.database.apply(logins={GUEST: {"credential": "rotated"}})
        self.mark("before the retirement")
        del self.database.arns[GUEST]
        self.database.apply(retired=RETIRED)
        self.mark("after the retirement")
        for arn in self.database.arns.values():
            self._labels[arn] = {label: self.manager.holder(arn, label) for label in ("AWSCURRENT", "AWSPREVIOUS")}

    def mark(self, moment: str) -> None:
        """Have a beer acknowledged, and note the time and the credentials."""
        beer = json.dumps({"name": moment, "style": "Ale", "abv": 5})
        assert self.service.request("POST", "/beers", beer, **{"Content-Type": "application/json"}).status == 201
        self.beers[moment] = {*self.beers.get(next(reversed(self.beers), ""), set()), moment}
        ((self.until[moment],),) = self.database.cluster.admin("SELECT clock_timestamp()")
        for arn in self.database.arns.values():
            self.known |= {self.credential(arn, version) for version in self.manager.labels(arn)}

    def credential(self, arn: str, version: str) -> tuple[str, str]:
        """Return user and password of a secret's version."""
        value = self.manager.client.get_secret_value(SecretId=arn, VersionId=version)
        content = json.loads(value["SecretString"])
        return content["username"], content["password"]

    def present(self) -> set[tuple[str, str]]:
        """Move the labels back to where they were when the database was lost, and return their credentials."""
        for arn, labels in self._labels.items():
            for label, version in labels.items():
                holder = self.manager.holder(arn, label)
                if holder != version:
                    self.manager.client.update_secret_version_stage(
                        SecretId=arn, VersionStage=label, MoveToVersionId=version, RemoveFromVersionId=holder
                    )
        return {self.credential(arn, version) for arn, labels in self._labels.items() for version in labels.values()}

    def served(self) -> set[str]:
        """Return the names of the beers that the service answers; empty if it fails."""
        answer = self.service.request("GET", "/beers")
        return {beer["name"] for beer in answer.json()["beers"]} if answer.status == 200 else set()


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """A database that has been lost, with its backup and WAL; the service still runs."""
    directory = tmp_path_factory.mktemp("restore")
    with ExitStack() as stack:
        folder = data_directory(directory / "backups.data")
        stack.callback(remove_left_data, directory)
        give_to_server(folder)
        manager = stack.enter_context(secrets_manager(directory / "aws"))
        cluster = stack.enter_context(running_cluster(Binaries.find(), directory / "source", {"wal_keep_size": "1GB"}))
        database = RotatingDatabase(cluster, manager)
        cluster.back_up(folder / "base")
        service = stack.enter_context(serving(directory, **database.environment(manager.endpoint)))
        lost = History(database, manager, service, Backup(folder / "base", (MASTER,), folder / "wal"))
        lost.live()
        cluster.copy_wal(folder / "wal")
        cluster.stop()
        yield lost


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(
            moment, marks=() if moment in {"after setSecret", "before the retirement"} else pytest.mark.nightly
        )
        for moment in MOMENTS
    ],
)
def test_the_function_and_the_service_recover_from_a_restore_without_help(
    history: History, moment: str, tmp_path: Path
) -> None:
    database, present = history.database, history.present()
    until = replace(history.backup, until=history.until[moment])
    source = (until, database.cluster.authority)
    lost_at = time.monotonic()
    with running_cluster(Binaries.find(), tmp_path, restored=source) as restored:
        database.move_to(restored)
        restored_at = time.monotonic()
        assert set(database.apply(retired=RETIRED)) == {"restored"}
        migrate(database.injected(MIGRATOR))
        applied_at = time.monotonic()
        wait_until(lambda: history.served() == history.beers[moment], "each acknowledged beer, and no later one")
        served_at = time.monotonic()

        assert {credential for credential in history.known if logs_in(database, *credential)} == present
        assert restored.admin("SELECT rolname FROM pg_roles WHERE rolname LIKE 'beers_guest%'") == []
        assert database.apply(retired=RETIRED) == ["kept", "kept"]
        database.rotate()
    print(
        f"{moment}: 0 of {len(history.beers[moment])} beers lost; recovery {restored_at - lost_at:.1f} s, "
        f"function {applied_at - restored_at:.1f} s, service {served_at - applied_at:.1f} s"
    )


def logs_in(database: RotatingDatabase, user: str, password: str) -> bool:
    address = (database.cluster.host, database.cluster.port)
    tls = ssl.create_default_context(cafile=str(database.cluster.authority.ca_file))
    try:
        connect_over_tls(address, DATABASE, user, password, tls).close()
    except pg8000.exceptions.DatabaseError:
        return False
    return True
