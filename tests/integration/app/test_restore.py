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
from db_bootstrap.document.model import login_role_names
from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Backup, data_directory, give_to_server, remove_left_data
from tests.support.database import connect_over_tls, running_cluster
from tests.support.rotation import DATABASE, LOGIN, MASTER, MIGRATOR, RotatingDatabase, SecretsManager, secrets_manager
from tests.support.served import Served, serving
from tests.support.waiting import wait_until

pytestmark = pytest.mark.database

GUEST = "beers_guest"
RETIRED: dict[str, dict[str, str]] = {name: {} for name in (GUEST, *login_role_names(GUEST))}
IN_EVERY_RUN = ("after setSecret", "before the retirement")
NIGHTLY = ("before the first rotation", "after createSecret", "after testSecret", "after finishSecret", "at the end")


@dataclass
class History:
    """A lost database: time and acknowledged beers of each moment, and every credential that a secret ever had."""

    database: RotatingDatabase
    manager: SecretsManager
    service: Served
    backup: Backup
    beers: dict[str, set[str]] = field(default_factory=dict)
    until: dict[str, datetime] = field(default_factory=dict)
    known: set[tuple[str, str]] = field(default_factory=set)

    def live(self) -> None:
        """Add a beer at each moment; all logins rotate twice, a guest comes and is retired."""
        self.mark("before the first rotation")
        for step in self.database.steps():
            self.mark(f"after {step}")
        for login in (LOGIN, MIGRATOR, MIGRATOR):
            self.database.rotate(login)
        self.database.arns[GUEST] = self.database.create_secret()
        self.database.apply(logins={GUEST: {"credential": "rotated"}})
        self.mark("before the retirement")
        del self.database.arns[GUEST]
        self.database.apply(retired=RETIRED)
        self.mark("at the end")

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
        """Return the credentials that have a label which a client reads."""
        labels = [(arn, label) for arn in self.database.arns.values() for label in ("AWSCURRENT", "AWSPREVIOUS")]
        return {self.credential(arn, self.manager.holder(arn, label)) for arn, label in labels}

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


@pytest.mark.parametrize("moment", [*IN_EVERY_RUN, *(pytest.param(it, marks=pytest.mark.nightly) for it in NIGHTLY)])
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

        assert {credential for credential in history.known | present if logs_in(database, *credential)} == present
        assert restored.admin("SELECT rolname FROM pg_roles WHERE rolname LIKE 'beers_guest%'") == []
        assert database.apply(retired=RETIRED) == ["kept", "kept"]
        for login in (LOGIN, MIGRATOR):
            database.rotate(login)
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
