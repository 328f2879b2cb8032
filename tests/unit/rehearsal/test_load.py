"""The load on a service counts what it is answered, and above all what it is not."""

import time

from rehearsal.load import Load
from tests.support.local_aws import free_port
from tests.support.targets import running_target


def test_every_request_and_every_beer_that_was_added_is_counted() -> None:
    with running_target("service") as target:
        with Load(f"http://127.0.0.1:{target.port}", "", clients=2) as load:
            while load.requests < 20:
                time.sleep(0.01)
        assert load.requests == target.answered
    assert (load.failed, load.failures) == (0, [])
    assert len(load.added) == len(set(load.added)) >= 2


def test_a_service_that_does_not_answer_fails_each_request() -> None:
    with Load(f"http://127.0.0.1:{free_port()}", "", clients=1) as load:
        while load.requests < 5:
            time.sleep(0.01)
    assert load.failed == load.requests
    assert load.added == []
    assert "GET /beers: ConnectionRefusedError" in load.failures[0]
