"""The page's view of a deployment: JSON values made from Terraform's states and the status of the local AWS.

Pure, and each field that passes is listed by name: a state contains every argument of every resource, so only addresses
are shown, and of the database function's report the changes.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ROOT = "root module"
# The number of stopped tasks shown.
SHOWN_STOPPED_TASKS = 3


@dataclass(frozen=True)
class Session:
    """Connections to a database with the same login, application and task.

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


def sessions(instances: Iterable[Mapping[str, Any]], task_by_port: Mapping[int, str]) -> list[Session]:
    """Return the sessions in the databases, with the task that each client port belongs to."""
    counts = Counter(
        (session["login"], session["application"], task_by_port.get(session["port"]))
        for instance in instances
        for session in instance["sessions"]
    )
    return [Session(*session, count) for session, count in sorted(counts.items(), key=str)]


def addresses(endpoint: str, services: Mapping[str, Any]) -> dict[str, str]:
    """Return the URLs of the local AWS and of the first listener."""
    listeners = services.get("elbv2", {}).get("listeners")
    return {"local AWS": endpoint, **({"service": listeners[0]["url"]} if listeners else {})}


def resources(states: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the resources in Terraform's states, by root module and module.

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
            count = sum(map(len, names_by_type.values()))
            groups.append({"root": root, "module": module, "count": count, "types": types})
    return groups


def tasks(services: Mapping[str, Any], sessions: Sequence[Session]) -> list[dict[str, Any]]:
    """Return tasks, newest first, with the logins that they use; of the stopped ones only the latest."""
    targets: dict[str, str] = {}
    for state_by_target in services.get("elbv2", {}).get("targets", {}).values():
        targets |= {target.rpartition(":")[0]: state for target, state in state_by_target.items()}
    newest_first = sorted(services.get("ecs", {}).get("tasks", []), key=lambda task: str(task["created"]), reverse=True)
    stopped = [task for task in newest_first if task["status"] == "STOPPED"][:SHOWN_STOPPED_TASKS]
    return [
        {
            **{name: task[name] for name in ("id", "status", "health", "address", "created", "stopped_reason")},
            "group": task["group"].removeprefix("service:"),
            "target": targets.get(task["address"]),
            "images": sorted({image.partition("@")[2] or image for image in task["images"].values()}),
            "sessions": [{"login": one.login, "count": one.count} for one in sessions if one.task_id == task["id"]],
        }
        for task in newest_first
        if task["status"] != "STOPPED" or task in stopped
    ]


def access(states: Iterable[Mapping[str, Any]], sessions: Sequence[Session]) -> dict[str, Any] | None:
    """Return who can do what, from the document and report of the last apply; none before the first."""
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
        "changes": [{name: one[name] for name in ("sql", "reason", "destructive")} for one in report["changes"]],
        "unmanaged": report["unmanaged"],
    }


def _role(kind: str, name: str, role: Mapping[str, Any], owned: Mapping[str, list[str]]) -> dict[str, Any]:
    privileges = [f"owns schema {schema}" for schema in owned.get(name, [])]
    privileges += [f"{preset} {schema}" for schema, preset in (role.get("schemas") or {}).items()]
    privileges += [_grant(grant) for grant in role.get("grants") or []]
    member_of = [*(role.get("member_of") or []), *(role.get("memberships") or {})]
    shown = {"name": name, "kind": kind, "member_of": member_of}
    return {**shown, "acts_as": role.get("acts_as"), "privileges": privileges}


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
