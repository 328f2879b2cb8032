"""Invented sources of a rehearsal's status page: Terraform's states, tasks, and events of the journal."""

import json
from collections.abc import Iterable
from typing import Any

SECRET = "taproom-dev/database/beers_app-20261124225350484900000018"
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]
# In everything that the page must not show.
CANARY = "hunter2-must-not-be-shown"
_TIME = "2026-11-24T22:54:08.337+00:00"
_DOCUMENT = {
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
_LONG_SQL = 'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA "beers" TO "' + "w" * 63 + '"'
_REPORT = {
    "database": "beers",
    "in_sync": True,
    "changes": [{"sql": _LONG_SQL, "reason": "<b>declared</b> and missing", "destructive": True}],
    "credentials": [{"login": "beers_app", "secret_arn": "arn", "version_id": CANARY}],
    "unmanaged": ["role postgres"],
}


def resource(kind: str, name: str, module: str = "", keys: Iterable[object] = (None,)) -> dict[str, Any]:
    instances = [
        {"attributes": {"password": CANARY}, "private": CANARY, **({} if key is None else {"index_key": key})}
        for key in keys
    ]
    where = {"module": module} if module else {}
    return {"mode": "managed", "type": kind, "name": name, "instances": instances, **where}


def invocation() -> dict[str, Any]:
    """Return the resource that holds the access document and the report of its apply."""
    made = resource("aws_lambda_invocation", "apply", "module.database_access")
    event = {"action": "apply", "document": _DOCUMENT, "secret_arns": {"x": CANARY}}
    made["instances"][0]["attributes"] = {"input": json.dumps(event), "result": json.dumps(_REPORT)}
    return made


def task(
    name: str, status: str = "RUNNING", created: str = "2026-11-24T12:00:00+00:00", **more: object
) -> dict[str, Any]:
    usual: dict[str, object] = {
        "health": "HEALTHY",
        "address": "10.0.0.4",
        "images": {},
        "stopped_reason": None,
        "pids": [],
    }
    return {"id": name, "group": "service:taproom-dev", "status": status, "created": created, **usual, **more}


def call(**fields: Any) -> dict[str, Any]:
    usual = {"service": "ecs", "operation": "CreateCluster", "caller": "taproom-deploy-dev/rehearsal", "status": 200}
    return {"time": _TIME, "kind": "api.call", "milliseconds": 3, **usual, **fields}


def rotation(kind: str, **fields: Any) -> dict[str, Any]:
    return {"time": _TIME, "kind": f"rotation.{kind}", "secret": SECRET, "version_id": "v1", **fields}
