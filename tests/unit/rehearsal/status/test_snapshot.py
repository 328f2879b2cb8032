"""What the status page shows of Terraform's states, tasks and sessions."""

import json
from typing import Any

from rehearsal.status import snapshot
from rehearsal.status.snapshot import SHOWN_STOPPED_TASKS, Session

CANARY = "hunter2-must-not-be-shown"
DOCUMENT = {
    "database": "beers",
    "schemas": {"beers": {"owner": "beers_owner"}},
    "roles": {"beers_owner": {}, "beers_writer": {"schemas": {"beers": "write"}}},
    "logins": {
        "beers_app": {"credential": "rotated", "member_of": ["beers_writer"], "settings": {"work_mem": CANARY}},
        "beers_migrator": {"credential": "rotated", "acts_as": "beers_owner"},
        "beers_report": {
            "credential": "iam",
            "grants": [{"on": "tables", "privileges": ["SELECT"], "schema": "beers", "columns": ["name"]}],
        },
    },
}
REPORT = {
    "database": "beers",
    "in_sync": True,
    "changes": [{"sql": 'CREATE ROLE "beers_app"', "reason": "it is declared and missing", "destructive": False}],
    "credentials": [{"login": "beers_app", "secret_arn": "arn", "version_id": CANARY}],
    "unmanaged": ["role postgres"],
}


def resource(kind: str, name: str, module: str = "", **more: Any) -> dict[str, Any]:
    keys = more.pop("keys", [None])
    instances = [
        {"attributes": {"password": CANARY}, "private": CANARY, **({} if key is None else {"index_key": key})}
        for key in keys
    ]
    where = {"module": module} if module else {}
    return {"mode": "managed", "type": kind, "name": name, "instances": instances, **where, **more}


def invocation() -> dict[str, Any]:
    told = {"action": "apply", "document": DOCUMENT, "secret_arns": {"x": CANARY}}
    made = resource("aws_lambda_invocation", "apply", "module.database_access")
    made["instances"][0]["attributes"] = {"input": json.dumps(told), "result": json.dumps(REPORT)}
    return made


def task(name: str, status: str = "RUNNING", created: str = "2026-11-24T12:00:00") -> dict[str, Any]:
    return {
        "id": name,
        "group": "service:taproom-dev",
        "status": status,
        "health": "HEALTHY",
        "address": "10.0.0.4",
        "images": {"app": "registry/taproom@sha256:aa", "migrate": "registry/taproom@sha256:aa"},
        "created": created,
        "stopped_reason": None,
        "pids": [],
    }


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


def test_nothing_of_a_state_gets_through_but_what_is_named() -> None:
    states = {"dev": {"resources": [resource("aws_db_instance", "this"), invocation()], "outputs": {"x": CANARY}}}
    shown = [snapshot.resources(states), snapshot.access(states.values(), [])]
    assert CANARY not in json.dumps(shown)
