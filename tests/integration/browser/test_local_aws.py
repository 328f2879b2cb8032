"""A page of another site, in a real browser, against the local AWS of a rehearsal; it even knows the key of the run."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.http_servers import Handler, ThreadedServer, serving_in_thread
from tests.support.local_aws import LocalAws

SECRET = "for-the-service-alone"
# Requests that a browser sends only after a preflight, requests that it sends at once, and administration.
ATTACK = """async ([endpoint, key]) => {
  const scope = service => `Credential=${key}/20260101/us-east-1/${service}/aws4_request`
  const target = (operation, body) => [`?`, {body: JSON.stringify(body), headers: {
    "Authorization": `AWS4-HMAC-SHA256 ${scope("secretsmanager")}`, "X-Amz-Target": `secretsmanager.${operation}`,
    "Content-Type": "application/x-amz-json-1.1"}}]
  const attempts = [
    target("GetSecretValue", {SecretId: "mine"}), target("PutSecretValue", {SecretId: "mine", SecretString: "evil"}),
    [`?Action=CreateTopic&Name=evil&X-Amz-${scope("sns")}`, {mode: "no-cors"}],
    ["moto-api/reset", {mode: "no-cors"}], ["_rehearsal/faults", {mode: "no-cors"}],
    ["_rehearsal/faults", {headers: {Authorization: `Bearer ${key}`}}],
  ]
  const seen = []
  for (const [path, options] of attempts) {
    try { const answer = await fetch(endpoint + path, {method: "POST", ...options}); seen.push(await answer.text()) }
    catch (error) { seen.push(String(error)) }
  }
  return seen
}"""


class EmptyPage(Handler):
    def answer(self) -> None:
        self.reply(200, b"", "text/html")


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    with LocalAws(tmp_path_factory.mktemp("aws")) as running:
        running.client("secretsmanager").create_secret(Name="mine", SecretString=SECRET)
        yield running


@pytest.mark.browser
@pytest.mark.parametrize("is_rebound", [False, True], ids=["another site", "after DNS rebinding"])
def test_a_foreign_page_can_neither_read_nor_start_anything(
    launch: Callable[..., Browser], aws: LocalAws, *, is_rebound: bool
) -> None:
    before = len(aws.journal("api.misdirected"))
    server = ThreadedServer(EmptyPage)
    with serving_in_thread(server), launch("--host-resolver-rules=MAP evil.example 127.0.0.1") as browser:
        page = browser.new_page()
        # After rebinding, the page and the API have the same origin.
        address = "evil.example:" + aws.endpoint.rpartition(":")[2]
        page.goto(f"http://{address if is_rebound else f'evil.example:{server.port}'}/")
        endpoint = f"http://{address}/" if is_rebound else f"{aws.endpoint}/"
        seen = page.evaluate(ATTACK, [endpoint, aws.administrator["aws_access_key_id"]])
    assert SECRET not in json.dumps(seen)
    assert len(aws.journal("api.misdirected")) >= before + len(seen), "each attempt, or its preflight, arrived"
    assert aws.client("secretsmanager").get_secret_value(SecretId="mine")["SecretString"] == SECRET
    assert aws.client("sns").list_topics()["Topics"] == []
    assert (aws.ask("status")[1]["failed_on_demand"], aws.process.poll()) == ([], None)
