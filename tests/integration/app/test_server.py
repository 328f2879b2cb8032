"""The service as a process over HTTP: gunicorn, signals, logs."""

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from app.api.beers import SEEDS
from app.database.migrate import known_revisions
from tests.support.catalogue_database import CatalogueDatabase
from tests.support.served import IMAGE_COMMAND, Served, run, serving
from tests.support.waiting import wait_until

pytestmark = pytest.mark.database


def test_each_request_is_logged_as_one_line_of_json(served: Served, catalogue: CatalogueDatabase) -> None:
    assert served.request("GET", "/readyz").json() == {"status": "ok", "revision": known_revisions()[-1]}
    assert served.request("POST", "/beers/seed").json()["inserted"] == len(SEEDS)
    trace = "Root=1-67891233-abcdef012345678912345678"
    listed = served.request("GET", "/beers?limit=2&after=0", **{"X-Amzn-Trace-Id": trace})
    assert len(listed.json()["beers"]) == 2
    assert listed.headers["X-Request-Id"] == trace
    missing = served.request("GET", "/no/such/place")
    assert missing.status == 404

    assert served.stop() == 0
    requests = [line for line in served.log_lines() if line["message"] == "Request"]
    shown = [(line["method"], line["route"], line["status"]) for line in requests]
    assert shown == [("POST", "/beers/seed", 200), ("GET", "/beers", 200), ("GET", None, 404)]
    assert requests[1]["request_id"] == trace
    assert 0 < requests[1]["database_ms"] < requests[1]["duration_ms"]
    assert requests[2]["database_ms"] == 0
    assert missing.json()["request_id"] == requests[2]["request_id"]
    for spelling in catalogue.spellings_of_the_password():
        assert spelling not in served.log_text()


def test_responses_do_not_name_gunicorn(served: Served) -> None:
    assert served.request("GET", "/livez").headers["Server"] == "taproom"
    assert b"gunicorn" not in served.raw(b"GET / HTTP/1.1\r\nbroken header\r\n\r\n").lower()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"nonsense\r\n\r\n", 400, id="no request line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\nsecret word\r\n\r\n", 400, id="no header"),
        pytest.param(b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, id="a long address"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431, id="a long header"),
        pytest.param(b"POST /beers HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, id="a negative length"),
    ],
)
def test_an_unparsable_request_gets_a_problem_document(served: Served, request_bytes: bytes, status: int) -> None:
    head, _, body = served.raw(request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == status
    assert b"secret word" not in body


def test_a_chunked_body_is_limited(served: Served) -> None:
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    head = b"POST /beers HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert served.raw(head + chunk * 3 + b"0\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_sigterm_finishes_requests_in_flight_and_exits_with_0(served: Served, catalogue: CatalogueDatabase) -> None:
    with ThreadPoolExecutor(1) as thread:
        with catalogue.locked():
            in_flight = thread.submit(served.request, "GET", "/beers")
            _wait_for_lock(catalogue)
            stopping = threading.Thread(target=served.stop)
            stopping.start()
            time.sleep(0.5)
            assert served.process.poll() is None
        assert in_flight.result().status == 200
        stopping.join()
    assert served.process.returncode == 0


def test_liveness_startup_and_readiness_during_and_after_an_outage_of_the_database(
    served: Served, catalogue: CatalogueDatabase
) -> None:
    assert [served.request("GET", path).status for path in ("/beers", "/startupz")] == [200, 200]
    with catalogue.unavailable():
        for path in ("/beers", "/readyz"):
            refused = served.request("GET", path)
            assert refused.status == 503
            assert int(refused.headers["Retry-After"]) > 0
            assert refused.headers["Content-Type"] == "application/problem+json"
        assert served.request("GET", "/livez").status == 200
        replace_workers(served)
        assert {served.request("GET", "/startupz").status for _ in range(20)} == {200}
    assert served.request("GET", "/beers").status == 200
    assert served.request("GET", "/readyz").status == 200


def replace_workers(served: Served) -> None:
    """End both workers, and wait until two others run."""
    master = psutil.Process(served.process.pid)
    wait_until(lambda: len(master.children()) == 2, "all workers")
    before = set(master.children())

    def are_replaced() -> bool:
        running = set(master.children())
        for worker in before & running:
            with suppress(psutil.NoSuchProcess):
                worker.terminate()  # again, because a worker that is just being forked loses the signal
        return len(running - before) == 2

    wait_until(are_replaced, "new workers")


def test_a_refused_password_is_a_503_and_not_logged(catalogue: CatalogueDatabase, tmp_path: Path) -> None:
    with serving(tmp_path, DATABASE_URL=catalogue.url(catalogue.app, "wrong-and-secret")) as served:
        answers = [served.request("GET", path) for path in ("/beers", "/readyz")]
        assert [answer.status for answer in answers] == [503, 503]
        served.stop()
        reasons = [line["reason"] for line in served.log_lines() if line["message"] == "Database unavailable"]
        assert reasons == ["PostgreSQL refused with 28P01."] * 2
        assert "wrong-and-secret" not in served.log_text() + str([answer.body for answer in answers])


def test_what_the_master_has_loaded_is_left_out_of_garbage_collections() -> None:
    show = "import gc; from app.server import config; config.when_ready(None); print(len(gc.get_objects()))"
    done = run([sys.executable, "-c", show], DATABASE_URL="postgresql://a:b@localhost/c")
    assert int(done.stdout) < 1_000, done.stderr


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        pytest.param({}, "Exactly one of DATABASE_URL", id="no database"),
        pytest.param({"DATABASE_URL": "postgresql://a:b@localhost/c", "PORT": "http"}, "PORT is 'http'", id="bad port"),
        pytest.param({"DATABASE_SECRET": "{}"}, "DATABASE_SECRET lacks a valid host", id="an empty secret"),
        pytest.param(
            {"DATABASE_URL": "postgresql://a:b@db/c?sslmode=verify-full", "DATABASE_CA_FILE": "none.pem"},
            "The certificates in none.pem cannot be used",
            id="no certificates",
        ),
    ],
)
def test_an_invalid_configuration_is_reported_in_one_sentence(variables: dict[str, str], says: str) -> None:
    done = run(IMAGE_COMMAND, **variables)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {says}")
    assert "Traceback" not in done.stderr


def _wait_for_lock(catalogue: CatalogueDatabase) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND wait_event_type = 'Lock'"
    wait_until(lambda: catalogue.cluster.admin(waiting, name=catalogue.database.name) != [[0]])
