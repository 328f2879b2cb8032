"""Rotating credentials under load, with a failing Secrets Manager, loses no request."""

import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from app.database.credentials import CACHE_SECONDS
from db_bootstrap.credentials.rotation import Step
from devtools.load import Load
from devtools.postgres.binaries import Binaries
from tests.support.database import running_cluster
from tests.support.faulty_aws import Fault, FaultyAws, faulty_aws
from tests.support.rotation import RotatingDatabase, secrets_manager
from tests.support.served import Served, serving

pytestmark = pytest.mark.database

# At most the threads of one worker. With more, a slow machine makes the service refuse requests as too busy.
CONNECTIONS = 12
# Enough for dozens of requests during each step of a rotation; without, the requests take both cores.
PAUSE_SECONDS = 0.04


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RotatingDatabase, str]]:
    """A database with secrets, and the address of their Secrets Manager; on one version, for the time that it takes."""
    with ExitStack() as stack:
        manager = stack.enter_context(secrets_manager(tmp_path_factory.mktemp("aws")))
        cluster = stack.enter_context(running_cluster(Binaries.find(), tmp_path_factory.mktemp("postgresql")))
        yield RotatingDatabase(cluster, manager), manager.endpoint


@pytest.fixture
def database(server: tuple[RotatingDatabase, str]) -> RotatingDatabase:
    """The database without any beer."""
    server[0].empty()
    server[0].rotations = 0
    return server[0]


@pytest.fixture
def aws(server: tuple[RotatingDatabase, str]) -> Iterator[FaultyAws]:
    """The service's way to Secrets Manager."""
    with faulty_aws(server[1]) as aws:
        yield aws


def rotate_until(database: RotatingDatabase, load: Load, requests: int, rotations: int) -> None:
    """Rotate without a pause until there have been so many rotations and so many requests."""
    while database.rotations < rotations or load.requests < requests:
        database.rotate()


def assert_nothing_was_lost(database: RotatingDatabase, load: Load, *services: Served) -> None:
    """No request failed, and the database has each beer that was confirmed once, and no other."""
    assert Counter((sent.method, sent.outcome) for sent in load.failures) == {}, reasons(services)
    names = [name for (name,) in database.rows("SELECT name FROM beers.beers")]
    assert Counter(names) == Counter(load.added)
    assert len(load.added) > load.requests / 4


def reasons(services: Sequence[Served]) -> Counter[str]:
    """Return how often the services refused requests, by reason."""
    messages = ("Database unavailable", "Too busy")
    lines = [line for served in services for line in served.log_lines() if line["message"] in messages]
    return Counter(" ".join(str(line.get(key, "")) for key in ("message", "reason", "cause")) for line in lines)


def assert_no_password_is_seen(database: RotatingDatabase, *services: Served) -> None:
    """Not in a log line and not in the list of processes."""
    command_lines = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    seen = "".join([command_lines, database.cluster.log.read_text(), *(served.log_text() for served in services)])
    assert [password for password in database.passwords if password in seen] == []


@pytest.mark.load
@pytest.mark.parametrize("requests", [2_000, pytest.param(20_000, marks=pytest.mark.nightly)])
def test_twenty_rotations_back_to_back_under_load_lose_no_request(
    database: RotatingDatabase, aws: FaultyAws, tmp_path: Path, requests: int
) -> None:
    with serving(tmp_path, **database.environment(aws.endpoint)) as served:
        with Load([served.address], CONNECTIONS, pause_seconds=PAUSE_SECONDS) as load:
            rotate_until(database, load, requests=requests, rotations=20)
        assert_nothing_was_lost(database, load, served)
        served.stop()
        assert_no_password_is_seen(database, served)


@pytest.mark.load
@pytest.mark.parametrize(
    "pool",
    [
        pytest.param({"DATABASE_POOL_SIZE": "1"}, id="a pool of one"),
        pytest.param({"DATABASE_POOL_SIZE": "0"}, id="no pool", marks=pytest.mark.nightly),
        pytest.param({"DATABASE_POOL_RECYCLE_SECONDS": "1"}, id="connections of one second", marks=pytest.mark.nightly),
    ],
)
def test_rotations_lose_no_request_with_any_pool_setting(
    database: RotatingDatabase, aws: FaultyAws, tmp_path: Path, pool: dict[str, str]
) -> None:
    with serving(tmp_path, **database.environment(aws.endpoint), **pool) as served:
        with Load([served.address], CONNECTIONS, pause_seconds=PAUSE_SECONDS) as load:
            rotate_until(database, load, requests=500, rotations=10)
        assert_nothing_was_lost(database, load, served)


def test_services_that_start_during_a_rotation_lose_no_request(
    database: RotatingDatabase, aws: FaultyAws, tmp_path: Path
) -> None:
    rotation = database.steps()
    while next(rotation) is not Step.SET:
        pass
    with ExitStack() as stack:
        started = []
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            started.append(stack.enter_context(serving(tmp_path / name, **database.environment(aws.endpoint))))
        addresses = [served.address for served in started]
        with Load(addresses, CONNECTIONS, pause_seconds=PAUSE_SECONDS) as load:
            load.wait_for(200)
            for _ in rotation:
                pass
            rotate_until(database, load, requests=500, rotations=6)
        assert_nothing_was_lost(database, load, *started)


@pytest.mark.load
@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        pytest.param(Fault.THROTTLED, 6, id="throttled"),
        pytest.param(Fault.THROTTLED, 60, id="throttled for a minute", marks=pytest.mark.nightly),
        pytest.param(Fault.SLOW, 11, id="five seconds for each answer", marks=pytest.mark.nightly),
        pytest.param(Fault.WRONG_JSON, 6, id="wrong JSON", marks=pytest.mark.nightly),
        pytest.param(Fault.AWAY, 6, id="away", marks=pytest.mark.nightly),
    ],
)
def test_a_failing_secrets_manager_during_a_rotation_loses_and_delays_no_request(
    database: RotatingDatabase, aws: FaultyAws, tmp_path: Path, fault: Fault, seconds: float
) -> None:
    # Connections of one second, so that some open all the time.
    with serving(tmp_path, **database.environment(aws.endpoint), DATABASE_POOL_RECYCLE_SECONDS="1") as served:
        with Load([served.address], connections=4, pause_seconds=0.02) as load:
            load.wait_for(50)
            asked_before = aws.calls
            aws.fault = fault
            ends_at = time.monotonic() + seconds
            database.rotate()
            while time.monotonic() < ends_at:
                time.sleep(0.1)
            asked_meanwhile = aws.calls - asked_before
            aws.fault = Fault.NONE
            rotate_until(database, load, requests=load.requests + 50, rotations=5)
        assert_nothing_was_lost(database, load, served)
        # Not the slowest: a busy machine can stop a process for as long.
        seconds_taken = sorted(sent.seconds for sent in load.sent)
        assert seconds_taken[len(seconds_taken) * 97 // 100] < aws.slow_seconds
        # It was asked, though not for every connection: each of the two workers asks once in a while, and tries twice.
        assert 0 < asked_meanwhile <= 2 * 2 * (seconds / CACHE_SECONDS + 1)
        served.stop()
        assert_no_password_is_seen(database, served)


def test_a_refused_credential_waits_for_a_slow_secrets_manager(
    database: RotatingDatabase, aws: FaultyAws, tmp_path: Path
) -> None:
    given = database.environment(aws.endpoint)
    with serving(tmp_path, **given, DATABASE_POOL_SIZE="0", WEB_CONCURRENCY="1") as served:
        assert served.request("GET", "/beers").status == 200
        aws.fault = Fault.SLOW
        database.rotate()
        database.rotate()  # now the login that the service knows has another password
        started_at = time.monotonic()
        assert served.request("GET", "/beers").status == 200
        assert time.monotonic() - started_at > aws.slow_seconds / 2
        aws.fault = Fault.AWAY
        database.rotate()
        database.rotate()
        assert served.request("GET", "/readyz").status == 503
        assert "There is no usable credential for the database." in served.log_text()
        aws.fault = Fault.NONE
        assert served.request("GET", "/beers").status == 200
