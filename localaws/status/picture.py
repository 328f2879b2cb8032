"""What a page shows of a deployment, as JSON values made of what Terraform's states, tasks and the database say.

Pure, and it names each field that it lets through: a state holds everything that Terraform was told, so nothing of one
is shown but addresses, and of the function's answer what it did.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ROOT = "root module"
# Of tasks that have ended, so many are worth a line.
SHOWN_STOPPED_TASKS = 3


@dataclass(frozen=True)
class Task:
    """A task as ECS tells of it.

    Attributes:
        id: the last part of its ARN.
        group: its service, as ``service:NAME``.
        status: how far it got.
        health: of its containers, ``UNKNOWN`` unless they are checked.
        target: the state that its load balancer sees it in; none behind none.
        address: in its subnet.
        images: of its containers, by name.
        created: when, in ISO 8601.
        stopped_reason: why it ended.
    """

    id: str
    group: str
    status: str
    health: str
    target: str | None
    address: str
    images: Mapping[str, str]
    created: str
    stopped_reason: str | None


@dataclass(frozen=True)
class Session:
    """Connections to the database that look alike.

    Attributes:
        login: the role that logged in.
        application: what the client calls itself.
        task_id: the task that it belongs to; none when no task's, or not known.
        count: how many there are.
    """

    login: str
    application: str
    task_id: str | None
    count: int


def resources(states: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What Terraform made, by root module and module.

    Args:
        states: Terraform's states by the name of their root module.
    """
    groups = []
    for root, state in states.items():
        names_by_module: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
        for resource in state.get("resources", []):
            if resource["mode"] == "managed":
                names = [_name(resource, instance) for instance in resource["instances"]]
                names_by_module[_first_module(resource)].setdefault(resource["type"], []).extend(names)
        for module, names_by_type in sorted(names_by_module.items()):
            types = [{"type": name, "names": sorted(names)} for name, names in sorted(names_by_type.items())]
            groups.append(
                {"root": root, "module": module, "count": sum(len(one["names"]) for one in types), "types": types}
            )
    return groups


def tasks(found: Iterable[Task], sessions: Sequence[Session]) -> list[dict[str, Any]]:
    """Tasks, newest first, with the logins that they use; of those that ended only the last few."""
    newest_first = sorted(found, key=lambda task: task.created, reverse=True)
    stopped = [task for task in newest_first if task.status == "STOPPED"][:SHOWN_STOPPED_TASKS]
    return [
        {
            "id": task.id,
            "group": task.group.removeprefix("service:"),
            "status": task.status,
            "health": task.health,
            "target": task.target,
            "address": task.address,
            "images": sorted({image.partition("@")[2] or image for image in task.images.values()}),
            "created": task.created,
            "stopped_reason": task.stopped_reason,
            "sessions": [
                {"login": session.login, "count": session.count} for session in sessions if session.task_id == task.id
            ],
        }
        for task in newest_first
        if task.status != "STOPPED" or task in stopped
    ]


def access(states: Iterable[Mapping[str, Any]], sessions: Sequence[Session]) -> dict[str, Any] | None:
    """Who may do what: what the last apply of access was told, and what it reports; none before there was one."""
    for state in states:
        for resource in state.get("resources", []):
            if (resource["mode"], resource["type"]) == ("managed", "aws_lambda_invocation"):
                for instance in resource["instances"]:
                    told = json.loads(instance["attributes"]["input"])
                    if told.get("action") == "apply":
                        return _access(told["document"], json.loads(instance["attributes"]["result"]), sessions)
    return None


def _access(document: Mapping[str, Any], report: Mapping[str, Any], sessions: Sequence[Session]) -> dict[str, Any]:
    owned: defaultdict[str, list[str]] = defaultdict(list)
    for schema, settings in (document.get("schemas") or {}).items():
        owned[settings["owner"]].append(schema)
    roles = [_role("role", name, role, owned) for name, role in sorted((document.get("roles") or {}).items())]
    logins = []
    for name, login in sorted((document.get("logins") or {}).items()):
        own = {name, f"{name}_a", f"{name}_b"} if login.get("credential") == "rotated" else {name}
        count_by_login: Counter[str] = Counter()
        for session in sessions:
            if session.login in own:
                count_by_login[session.login] += session.count
        shown = [{"login": one, "count": count} for one, count in sorted(count_by_login.items())]
        logins.append({**_role("login", name, login, owned), "credential": login.get("credential"), "sessions": shown})
    return {
        "database": report["database"],
        "in_sync": report["in_sync"],
        "roles": [*roles, *logins],
        "changes": [
            {"sql": change["sql"], "reason": change["reason"], "destructive": change["destructive"]}
            for change in report["changes"]
        ],
        "unmanaged": report["unmanaged"],
    }


def _role(kind: str, name: str, role: Mapping[str, Any], owned: Mapping[str, list[str]]) -> dict[str, Any]:
    privileges = [f"owns schema {schema}" for schema in owned.get(name, [])]
    privileges += [f"{preset} {schema}" for schema, preset in (role.get("schemas") or {}).items()]
    privileges += [_grant(grant) for grant in role.get("grants") or []]
    member_of = [*(role.get("member_of") or []), *(role.get("memberships") or {})]
    return {
        "name": name,
        "kind": kind,
        "member_of": member_of,
        "acts_as": role.get("acts_as"),
        "privileges": privileges,
    }


def _grant(grant: Mapping[str, Any]) -> str:
    where = ", ".join(grant.get("names") or []) or (f"all in {grant['schema']}" if grant.get("schema") else "")
    columns = f" ({', '.join(grant['columns'])})" if grant.get("columns") else ""
    return f"{', '.join(grant['privileges'])}{columns} on {grant['on']} {where}".strip()


def _first_module(resource: Mapping[str, Any]) -> str:
    path: str = resource.get("module", "")
    return ".".join(path.split(".")[:2]).removeprefix("module.") or _ROOT


def _name(resource: Mapping[str, Any], instance: Mapping[str, Any]) -> str:
    deeper = ".".join(resource.get("module", "").split(".")[2:])
    key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
    return f"{deeper}.{resource['name']}{key}".lstrip(".")
