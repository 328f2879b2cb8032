"""The status page, installed in a local AWS."""

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from devtools.ports import free_port
from tests.support.http import Client
from tests.support.waiting import wait_until

CHECKOUT = Path(__file__).parents[3]


def test_it_shows_the_state_of_the_local_aws_that_installs_it(tmp_path: Path) -> None:
    account = tmp_path / "terraform" / "account" / "terraform.tfstate"
    account.parent.mkdir(parents=True)
    bucket = {"mode": "managed", "type": "aws_s3_bucket", "name": "state", "instances": [{"attributes": {}}]}
    account.write_text(json.dumps({"resources": [bucket]}))
    port = free_port()
    arguments = ["--run-directory", str(tmp_path), "--install", "rehearsal.status.page"]
    arguments += ["--port", "0", "--balancer-port", "0", "--status-port", str(port)]
    with subprocess.Popen([sys.executable, "-m", "localaws", *arguments], cwd=CHECKOUT) as local_aws:
        try:
            wait_until(lambda: listens(port), "the page's port")
            # The answer waits until the page is served.
            state: dict[str, Any] = Client(f"http://127.0.0.1:{port}").get("/state.json").body
        finally:
            local_aws.terminate()
            assert local_aws.wait(30) == 0
    assert [(group["root"], group["count"]) for group in state["resources"]] == [("account", 1)]
    assert (state["tasks"], state["access"], state["rotations"]) == ([], None, [])
    assert state["addresses"]["local AWS"].startswith("http://127.0.0.1:")


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
