"""The load on a service counts what it is answered, and above all what it is not."""

import re

from devtools.load import Load
from devtools.ports import free_port


def test_a_service_that_does_not_answer_fails_each_request() -> None:
    with Load([f"127.0.0.1:{free_port()}"], connections=1) as load:
        load.wait_for(5)
    assert len(load.failures) == load.requests
    assert load.added == []
    assert re.match(r"POST /beers after \d+\.\d+ s: ConnectionRefusedError", str(load.failures[0]))
