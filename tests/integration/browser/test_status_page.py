"""The status page of a rehearsal in a real browser, before a state that changes under its eyes."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from cheroot.wsgi import Server
from playwright.sync_api import Page, expect

from devtools.ports import free_port
from rehearsal.status import snapshot
from rehearsal.status.events import Events
from rehearsal.status.page import Site
from rehearsal.status.snapshot import Session
from tests.support.accessibility import obstacles
from tests.support.status_page import STEPS, call, invocation, resource, rotation, task

pytestmark = pytest.mark.browser

DIGEST = "sha256:" + "49d3220b829f" * 5 + "0000"
STATE = {
    "resources": [
        resource("aws_subnet", "private", "module.network", range(3)),
        resource("aws_cloudwatch_metric_alarm", "rotation_that_did_not_come_in_time", "module.database_access"),
        invocation(),
    ]
}


@dataclass
class Recorded:
    """A rehearsal of which everything is made up; tests advance it."""

    port: int = field(default_factory=free_port)
    events: Events = field(default_factory=Events)
    tasks: list[dict[str, Any]] = field(default_factory=list)
    targets: dict[str, str | None] = field(default_factory=dict)
    sessions: list[Session] = field(default_factory=list)
    states: dict[str, Any] = field(default_factory=dict)

    def services(self) -> dict[str, Any]:
        return {"ecs": {"tasks": self.tasks}, "elbv2": {"targets": {"app": self.targets}}}

    def state(self, after: int) -> dict[str, Any]:
        return {
            "addresses": {"local AWS": "http://127.0.0.1:32793", "service": "http://127.0.0.1:8080"},
            "resources": snapshot.resources(self.states),
            "tasks": snapshot.tasks(self.services(), self.sessions),
            "access": snapshot.access(self.states.values(), self.sessions),
            "rotations": self.events.rotations(),
            "calls": self.events.calls_after(after),
        }

    def call(self, operation: str, caller: str = "taproom-deploy-dev/rehearsal", **fields: Any) -> None:
        self.events.take(call(operation=operation, caller=caller, **fields))

    def rotation(self, kind: str, **fields: Any) -> None:
        self.events.take(rotation(kind, **fields))

    def is_applied(self) -> None:
        """As after a whole apply, with a task on its way out and a call that was denied."""
        images = {"app": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom@{DIGEST}"}
        for name, status, target in (("a" * 32, "RUNNING", "healthy"), ("b" * 32, "STOPPED", None)):
            number = len(self.tasks)
            created, address = f"2026-11-24T22:5{number}:00+00:00", f"10.0.16.{number + 4}"
            reason = "Scaling activity initiated by deployment ecs-svc/1" if status == "STOPPED" else None
            self.tasks.append(task(name, status, created, address=address, images=images, stopped_reason=reason))
            self.targets[f"{address}:8080"] = target
        self.sessions.append(Session("beers_app_a", "taproom/1", "a" * 32, 4))
        self.states["dev"] = STATE
        self.call("CreateCluster")
        self.call("DescribeClusters")
        self.call("PutSecretValue", "taproom-dev-rotation/9c", service="secretsmanager")
        self.call("DeleteCluster", "taproom-plan/pull-request", status=400, said='{"__type": "AccessDeniedException"}')
        self.call("DescribeServices", status=404, said='{"__type": "ServiceNotFoundException"}')


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """A rehearsal in which nothing has happened yet, with its page."""
    recorded = Recorded()
    server = Server(
        ("127.0.0.1", recorded.port),
        Site(recorded.port, recorded.state).application,
        numthreads=2,
        shutdown_timeout=1,
    )
    server.prepare()
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield recorded
    server.stop()
    thread.join()


@pytest.fixture
def open_status(recorded: Recorded, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Opens the page."""
    return partial(open_page, recorded, "/")


def test_it_shows_an_apply_as_it_comes_to_be(recorded: Recorded, open_status: Callable[..., Page]) -> None:
    page = open_status()
    expect(page.get_by_role("status")).to_have_text("Live")
    expect(page.get_by_text("ECS has no task yet.")).to_be_visible()
    recorded.is_applied()
    tasks = page.get_by_role("region", name="Tasks")
    expect(tasks.get_by_text("beers_app_a")).to_be_visible()
    expect(tasks.get_by_title(DIGEST).first).to_have_text(DIGEST[:19])
    expect(tasks).to_contain_text("Scaling activity initiated by deployment")
    access = page.get_by_role("region", name="Roles and privileges")
    expect(access.get_by_role("row").filter(has_text="beers_writer").first).to_contain_text("write beers")
    access.get_by_text("What the last change of access ran").click()
    expect(access.get_by_text("<b>declared</b> and missing")).to_be_visible()
    diagram = page.get_by_role("list", name="The deployment now").get_by_role("listitem")
    shown = ["Load balancer1 healthy target", "Service1 task running", "Database4 sessions", "Terraform5 resources"]
    expect(diagram).to_contain_text(
        [*shown, "Secrets Manager0 rotations done", "db_bootstrap5 AWS calls in all, 1 denied"]
    )
    recorded.rotation("started", steps=STEPS)
    expect(page.locator("#diagram .busy")).to_contain_text(["Secrets Manager0 rotations donebeers_app: createSecret"])


def test_a_rotation_is_seen_step_by_step_and_what_was_opened_stays_open(
    recorded: Recorded, open_status: Callable[..., Page]
) -> None:
    recorded.is_applied()
    page = open_status()
    resources = page.get_by_role("region", name="What Terraform made")
    resources.get_by_text("network").click()
    expect(resources.get_by_text("private[0], private[1], private[2]")).to_be_visible()
    steps = page.get_by_role("region", name="Rotations").get_by_role("listitem")
    recorded.rotation("started", steps=STEPS)
    expect(steps).to_have_text(["createSecretunder way"])
    recorded.rotation("step", step="createSecret", milliseconds=420)
    expect(steps.nth(0)).to_contain_text("0.42 s")
    expect(steps.nth(1)).to_have_text("setSecretunder way")
    for step in STEPS[1:]:
        recorded.rotation("step", step=step, milliseconds=100)
    recorded.rotation("succeeded")
    recorded.states["dev"] = {"resources": [*STATE["resources"], resource("aws_vpc", "this", "module.network")]}
    expect(page.get_by_role("region", name="Rotations")).to_contain_text("succeeded")
    expect(resources.get_by_text("aws_vpc")).to_be_visible()


def test_calls_are_filtered_by_words_and_by_outcome(recorded: Recorded, open_status: Callable[..., Page]) -> None:
    recorded.is_applied()
    page = open_status()
    actions = page.locator("#journal tr td:nth-child(2)")
    newest_first = ["DescribeServices", "DeleteCluster", "PutSecretValue", "DescribeClusters", "CreateCluster"]
    expect(actions).to_contain_text(newest_first)
    page.get_by_label("Show").select_option("denied")
    expect(actions).to_have_text(["ecs:DeleteCluster"])
    page.get_by_label("Show").select_option("changes")
    page.get_by_label("Caller or action").fill("rotation put")
    expect(actions).to_have_text(["secretsmanager:PutSecretValue"])
    recorded.call("PutMetricData", "taproom-dev-rotation/9c", service="cloudwatch")
    expect(actions).to_have_text(["cloudwatch:PutMetricData", "secretsmanager:PutSecretValue"])
    page.get_by_label("Caller or action").fill("nobody")
    expect(page.get_by_text("No matching calls.")).to_be_visible()


def test_it_claims_nothing_before_the_first_answer(recorded: Recorded, open_status: Callable[..., Page]) -> None:
    page = open_status()
    page.route("**/state.json*", lambda route: route.fulfill(status=500))
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("No answer")
    expect(page.get_by_role("main")).to_be_hidden()


def test_it_says_when_the_rehearsal_has_ended(recorded: Recorded, open_status: Callable[..., Page]) -> None:
    recorded.is_applied()
    page = open_status()
    expect(page.get_by_role("status")).to_have_text("Live")
    page.route("**/state.json*", lambda route: route.fulfill(status=500))
    expect(page.get_by_role("status")).to_contain_text("the rehearsal has ended")
    page.unroute("**/state.json*")
    expect(page.get_by_role("status")).to_have_text("Live")


@pytest.mark.parametrize("width", [390, 1440])
def test_the_page_is_accessible_in_both_colour_schemes_and_fits(
    recorded: Recorded, open_status: Callable[..., Page], width: int
) -> None:
    recorded.is_applied()
    recorded.rotation("started", steps=STEPS)
    recorded.rotation("failed", step="createSecret", error="StatementError: " + "x" * 200)
    page = open_status(viewport={"width": width, "height": 800})
    expect(page.get_by_role("region", name="Rotations")).to_contain_text("StatementError")
    page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
    assert obstacles(page) == []
