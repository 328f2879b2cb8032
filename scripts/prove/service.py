"""Claims about the service: what it accepts and rejects, and that it continues under load."""

import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from devtools.load import Load
from scripts.environment import CommandError
from scripts.prove.claim import DisprovedError, NotApplicableError, claim
from scripts.prove.target import Target, wait_until

_TOO_LONG = "x" * 20_000


@claim("service", 0.5, "Adds a beer, which is removed at the end")
def accepts_and_rejects(target: Target) -> Iterator[str]:
    """The service accepts and rejects what it should."""
    name = f"Proof {uuid.uuid4().hex[:12]} "
    target.added.append(name)
    beer = {"name": f"{name}Stout", "style": "Stout", "abv": 6.5}
    token = {"Authorization": f"Bearer {target.token}"}
    _, etag = target.request("GET", "/beers", None, {})
    cases: Sequence[tuple[str, int, str, object, dict[str, str]]] = [
        ("the database is available", 200, "GET /readyz", None, {}),
        ("a list", 200, "GET /beers", None, {}),
        ("the list again, with its ETag", 304, "GET /beers", None, {"If-None-Match": etag}),
        ("the list, with another ETag", 412, "GET /beers", None, {"If-Match": '"other"'}),
        ("an unknown path", 404, "GET /breweries", None, {}),
        ("an invalid parameter", 422, "GET /beers?limit=many", None, {}),
        ("a beer", 201, "POST /beers", beer, token),
        ("the same beer again", 409, "POST /beers", beer, token),
        ("a beer that is too strong", 422, "POST /beers", {**beer, "abv": 200}, token),
        ("a beer without a style", 422, "POST /beers", {"name": f"{name}Ale", "abv": 5}, token),
        ("a beer that is too long", 413, "POST /beers", {**beer, "name": _TOO_LONG}, token),
        ("a beer without a token", 401, "POST /beers", beer, {}),
        ("a beer with a wrong token", 401, "POST /beers", beer, {"Authorization": "Bearer wrong"}),
    ][: None if target.token else -2]
    wrong = []
    for what, expected, asked, body, headers in cases:
        method, path = asked.split()
        found, _ = target.request(method, path, None if body is None else json.dumps(body), headers)
        wrong += [f"{what} ({asked}): {found} instead of {expected}"] if found != expected else []
    if wrong:
        raise DisprovedError("; ".join(wrong))
    yield f"{len(cases)} requests: " + "; ".join(f"{what}: {expected}" for what, expected, *_ in cases)


@claim("rotation", 5, "Rotates the logins; adds beers, which are removed at the end")
def rotates_under_load(target: Target) -> Iterator[str]:
    """Every login is rotated twice under load without a failed request."""
    secrets = target.client("secretsmanager")
    used = {login: [_username(secrets, arn)] for login, arn in target.outputs["login_secret_arns"].items()}
    with target.load() as load:
        for login, arn in target.outputs["login_secret_arns"].items():
            for _ in range(2):
                _rotate(secrets, login, arn)
                used[login].append(_username(secrets, arn))
    if stuck := {login: names for login, names in used.items() if names[0] != names[2] or names[0] == names[1]}:
        raise DisprovedError(f"These logins do not alternate: {stuck}")
    yield _no_failure(load)
    yield from (f"{login}: {' -> '.join(names)}" for login, names in used.items())


def _rotate(secrets: Any, login: str, arn: str) -> None:
    version = secrets.rotate_secret(SecretId=arn)["VersionId"]

    def is_current() -> bool:
        labels = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"].get(version, [])
        return "AWSCURRENT" in labels and "AWSPENDING" not in labels

    wait_until(is_current, f"{login} is rotated")


def _username(secrets: Any, arn: str) -> str:
    return str(json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])["username"])


def _no_failure(load: Load) -> str:
    if load.failures or not load.added:
        examples = "; ".join(map(str, load.failures[:5]))
        raise DisprovedError(f"{len(load.failures)} of {load.requests} requests failed: {examples}")
    return f"0 of {load.requests} requests failed; {len(load.added)} beers were added"


@claim("task", 5, "Stops a task of the service")
def replaces_a_task_under_load(target: Target) -> Iterator[str]:
    """A stopped task is replaced under load without a failed request."""
    ecs, known = target.client("ecs"), target.outputs
    health = target.client("elbv2")

    def tasks() -> set[str]:
        return set(ecs.list_tasks(cluster=known["cluster_name"], serviceName=known["service_name"])["taskArns"])

    def is_replaced() -> bool:
        targets = health.describe_target_health(TargetGroupArn=known["target_group_arn"])["TargetHealthDescriptions"]
        healthy = [one for one in targets if one["TargetHealth"]["State"] == "healthy"]
        return bool(tasks() - before) and stopped not in tasks() and len(healthy) >= len(before)

    before = tasks()
    if len(before) < 2:  # noqa: PLR2004
        raise NotApplicableError("The service has one task: requests fail until ECS has replaced it.")
    stopped = min(before)
    with target.load() as load:
        ecs.stop_task(cluster=known["cluster_name"], task=stopped, reason="make prove stops a task")
        wait_until(is_replaced, "ECS has replaced the task")
    yield _no_failure(load)
    yield f"{stopped.rpartition('/')[2]} was stopped and replaced"


@claim("image", 20, "Deploys an image that does not exist, and applies again")
def rolls_back_a_bad_image(target: Target) -> Iterator[str]:
    """An image that does not start fails the apply and is rolled back under load without a failed request."""
    before, failures = target.service(), _failed_deployments(target)
    bad = f"{(target.image.rpartition('@')[0] or target.image.rpartition(':')[0])}@sha256:{'0' * 64}"
    said = ""
    target.plan(bad)
    try:
        with target.load() as load:
            try:
                target.apply()
            except CommandError as error:
                said = " ".join(str(error).replace("│", " ").split())
            wait_until(lambda: bool(_failed_deployments(target) - failures), "ECS has failed the deployment", 1800)
            wait_until(lambda: target.service().task_definition == before.task_definition, "ECS has rolled back")
    finally:
        target.plan()
        target.apply()
    if not said or target.service().image != before.image:
        raise DisprovedError(f"The apply did not fail, or {target.service().image} runs afterwards.")
    yield _no_failure(load)
    yield f"ECS: {', '.join(_failed_deployments(target) - failures)}"
    yield f"The apply failed: ... {said[-300:]}"


def _failed_deployments(target: Target) -> set[str]:
    names = {"cluster": target.outputs["cluster_name"], "services": [target.outputs["service_name"]]}
    (service,) = target.client("ecs").describe_services(**names)["services"]
    return {event["message"] for event in service["events"] if "deployment failed" in event["message"]}
