"""Terraform's states, tasks and sessions on the status page."""

import json
from typing import Any

from rehearsal.status import snapshot
from rehearsal.status.snapshot import SHOWN_STOPPED_TASKS, Session
from tests.support.status_page import CANARY, invocation, resource, task


def services(*tasks: dict[str, Any]) -> dict[str, Any]:
    return {"ecs": {"services": {}, "tasks": list(tasks)}, "elbv2": {"targets": {"app": {"10.0.0.4:8080": "healthy"}}}}


def test_resources_are_grouped_by_root_and_module_with_their_counts() -> None:
    states = {
        "account": {"resources": [resource("aws_s3_bucket", "this", "module.bucket")]},
        "dev": {
            "resources": [
                resource("aws_subnet", "private", "module.network", keys=["a", "b"]),
                resource("aws_vpc", "this", "module.network"),
                resource("aws_s3_bucket", "this", "module.network.module.logs[0]"),
                resource("aws_kms_key", "this", keys=[0]),
                {**resource("aws_region", "current"), "mode": "data"},
            ]
        },
    }
    groups = snapshot.resources(states)
    assert [(group["root"], group["module"], group["count"]) for group in groups] == [
        ("account", "bucket", 1),
        ("dev", "network", 4),
        ("dev", "root module", 1),
    ]
    assert groups[1]["types"] == [
        {"type": "aws_s3_bucket", "names": ["module.logs[0].this"]},
        {"type": "aws_subnet", "names": ['private["a"]', 'private["b"]']},
        {"type": "aws_vpc", "names": ["this"]},
    ]


def test_the_newest_task_is_first_and_of_those_that_ended_a_few_are_left() -> None:
    ended = [task(f"old{hour}", "STOPPED", f"2026-11-24T0{hour}:00:00") for hour in range(SHOWN_STOPPED_TASKS + 2)]
    shown = snapshot.tasks(services(*ended, task("new", created="2026-11-24T09:00:00")), [])
    assert [one["id"] for one in shown] == ["new", "old4", "old3", "old2"]


def test_sessions_are_counted_by_login_and_task() -> None:
    session = {"login": "beers_app_a", "application": "taproom/1"}
    sessions = snapshot.sessions(
        [{"sessions": [{**session, "port": port} for port in (1, 2, 3, None)]}], {1: "t1", 2: "t1"}
    )
    assert sessions == [Session("beers_app_a", "taproom/1", "t1", 2), Session("beers_app_a", "taproom/1", None, 2)]


def test_the_service_has_the_address_of_the_first_listener() -> None:
    listeners = [{"url": "http://127.0.0.1:8080"}, {"url": "https://127.0.0.1:8443"}]
    assert snapshot.addresses("http://aws", {}) == {"local AWS": "http://aws"}
    addresses = snapshot.addresses("http://aws", {"elbv2": {"listeners": listeners}})
    assert addresses == {"local AWS": "http://aws", "service": "http://127.0.0.1:8080"}


def test_before_the_function_was_invoked_there_is_no_access_to_show() -> None:
    assert snapshot.access([{}, {"resources": [resource("aws_vpc", "this")]}], []) is None


def test_only_named_attributes_of_a_state_are_shown() -> None:
    states = {"dev": {"resources": [resource("aws_db_instance", "this"), invocation()], "outputs": {"x": CANARY}}}
    shown = [snapshot.resources(states), snapshot.access(states.values(), [])]
    assert CANARY not in json.dumps(shown)
