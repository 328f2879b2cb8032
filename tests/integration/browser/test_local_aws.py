"""A page of another site, in a real browser, against the local AWS of a rehearsal."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.local_aws import LocalAws

SECRET = "for-the-service-alone"
# Reads, simple requests (which need no preflight), administration, and the same with the right key.
ATTACK = """async ([endpoint, key]) => {
  const signed = service => ({
    "Authorization": `AWS4-HMAC-SHA256 Credential=${key}/20260101/us-east-1/${service}/aws4_request`,
    "Content-Type": "application/x-amz-json-1.1",
  })
  const target = (service, operation, body) => fetch(`${endpoint}/`, {
    method: "POST",
    headers: {...signed(service), "X-Amz-Target": `${service}.${operation}`},
    body: JSON.stringify(body),
  })
  const attempts = {
    read: () => target("secretsmanager", "GetSecretValue", {SecretId: "mine"}),
    write: () => target("secretsmanager", "PutSecretValue", {SecretId: "mine", SecretString: "evil"}),
    query: () => fetch(`${endpoint}/?Action=CreateQueue&QueueName=evil`, {method: "POST"}),
    reset: () => fetch(`${endpoint}/moto-api/reset`, {method: "POST", mode: "no-cors"}),
    faults: () => fetch(`${endpoint}/_rehearsal/faults`, {method: "POST", mode: "no-cors"}),
    stop: () => fetch(`${endpoint}/_rehearsal/stop`, {method: "POST", mode: "no-cors"}),
    status: () => fetch(`${endpoint}/_rehearsal/status`, {headers: {Authorization: `Bearer ${key}`}}),
  }
  const seen = {}
  for (const [name, attempt] of Object.entries(attempts)) {
    try { const answer = await attempt(); seen[name] = `${answer.type} ${answer.status} ${await answer.text()}` }
    catch (error) { seen[name] = String(error) }
  }
  return seen
}"""


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def foreign_port() -> Iterator[int]:
    """The port of a site that is not the local AWS."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[LocalAws]:
    """A local AWS that the page attacks."""
    with LocalAws(tmp_path) as running:
        yield running


@pytest.mark.browser
@pytest.mark.parametrize(
    ("host", "rebound"),
    [("127.0.0.1", False), ("evil.example", False), ("evil.example", True)],
    ids=["another port", "another host", "after DNS rebinding"],
)
def test_a_foreign_page_can_neither_read_nor_start_anything_in_the_local_aws(
    launch: Callable[..., Browser], aws: LocalAws, foreign_port: int, host: str, *, rebound: bool
) -> None:
    secrets = aws.client("secretsmanager")
    secrets.create_secret(Name="mine", SecretString=SECRET)
    aws_port = aws.endpoint.rpartition(":")[2]
    with launch("--host-resolver-rules=MAP evil.example 127.0.0.1") as browser:
        page = browser.new_page()
        # After rebinding, the page and the API are the same origin for the browser.
        page.goto(f"http://{host}:{aws_port if rebound else foreign_port}/")
        endpoint = f"http://{host if rebound else '127.0.0.1'}:{aws_port}"
        seen = page.evaluate(ATTACK, [endpoint, aws.administrator["aws_access_key_id"]])
    assert SECRET not in json.dumps(seen)
    assert [name for name, said in seen.items() if " 200 " in said] == []
    assert secrets.get_secret_value(SecretId="mine")["SecretString"] == SECRET
    assert aws.client("sqs").list_queues().get("QueueUrls", []) == []
    assert aws.ask("status")[1]["failed_on_demand"] == []
    assert len(aws.journal("api.misdirected")) >= 4
