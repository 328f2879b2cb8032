"""Claims about the service: what it accepts and rejects, and that it continues under load."""

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from devtools import migration
from devtools.load import Load
from scripts.environment import CommandError
from scripts.prove.claim import DisprovedError, NotApplicableError, claim
from scripts.prove.target import Target, sql_command, wait_until

_REVISION = "SELECT version_num FROM beers.alembic_version"
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
    bad = f"{(target.image.rpartition('@')[0] or target.image.rpartition(':')[0])}@sha256:{'0' * 64}"
    target.plan(bad)
    try:
        with target.load() as load:
            event, said = _rolled_back(target, target.apply)
    finally:
        target.plan()
        target.apply()
    if not said:
        raise DisprovedError("The apply did not fail.")
    yield _no_failure(load)
    yield event
    yield f"The apply failed: ... {said[-300:]}"


@claim("migration", 25, "Deploys a release that adds a column and does not start; then removes the column")
def rolls_back_a_release_with_a_migration(target: Target) -> Iterator[str]:
    """A release that fails after its migration is rolled back under load; the version before starts on those tables."""
    ecs, before = target.client("ecs"), target.service()
    names = {"cluster": target.outputs["cluster_name"], "service": target.outputs["service_name"]}
    if not before.desired:
        raise NotApplicableError("The service has no task.")
    ((revision,),) = target.sql(_REVISION)
    migrate = sql_command(f"{migration.CHANGE}; {migration.RECORD}")
    release = target.register({"migrate": migrate, "app": ["python", "-c", "exit('A bad release')"]})
    try:
        with target.load() as load:
            event, _ = _rolled_back(target, lambda: ecs.update_service(**names, taskDefinition=release))
            ((migrated,),) = target.sql(_REVISION)
            ecs.update_service(**names, forceNewDeployment=True)
            target.wait_until_deployed(before)
    finally:
        if target.service().task_definition != before.task_definition:
            ecs.update_service(**names, taskDefinition=before.task_definition)
        target.sql("; ".join(migration.undo(revision)))
        ecs.deregister_task_definition(taskDefinition=release)
    if migrated != migration.REVISION:
        raise DisprovedError(f"The tables were at {migrated}: the release did not migrate them.")
    yield _no_failure(load)
    yield event
    yield f"New tasks of {before.image} started on tables at the revision {migrated} instead of {revision}"


def _rolled_back(target: Target, deploy: Callable[[], object]) -> tuple[str, str]:
    """Deploy what does not start, and wait until ECS has rolled it back; return what ECS and Terraform say."""

    def failed() -> set[str]:
        names = {"cluster": target.outputs["cluster_name"], "services": [target.outputs["service_name"]]}
        (service,) = target.client("ecs").describe_services(**names)["services"]
        return {event["message"] for event in service["events"] if "deployment failed" in event["message"]}

    before, failures, said = target.service(), failed(), ""
    try:
        deploy()
    except CommandError as error:
        said = " ".join(str(error).replace("│", " ").split())
    wait_until(lambda: bool(failed() - failures), "ECS has failed the deployment", 1800)
    wait_until(lambda: target.service().task_definition == before.task_definition, "ECS has rolled back")
    target.wait_until_deployed(before)
    return f"ECS: {', '.join(failed() - failures)}", said
