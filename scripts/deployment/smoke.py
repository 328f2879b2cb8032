"""Check after an apply that what was applied is what runs, and that it serves.

ECS counts as steady after a rollback too, so the task definition and the image are compared; then the service is called
over HTTP, as clients do. Changes nothing.
"""

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import boto3

from scripts.environment import CommandError, Running, outputs, required, run_command, running

_PATHS = ("/readyz", "/beers")
_ATTEMPTS = 6
_PAUSE_SECONDS = 5.0
_ANSWER_SECONDS = 10
_POLLS = 180  # a quarter of an hour: the new tasks' health checks, the old ones' draining, the watch over the alarms


def problems(found: Running, task_definition: str, image: str) -> list[str]:
    """Return what is not as it was applied; empty when all is."""
    wrong = []
    if found.task_definition != task_definition:
        wrong.append(f"The service runs {found.task_definition}, and {task_definition} was applied.")
    if found.image != image:
        wrong.append(f"Its image is {found.image} instead of {image}.")
    if found.rollout != "COMPLETED":
        wrong.append(f"ECS calls the deployment {found.rollout or 'nothing'}, not COMPLETED.")
    if found.running < found.desired or found.others:
        wrong.append(f"{found.running} of {found.desired} tasks run, and {found.others} older deployments remain.")
    return wrong


def wait_for_deployment(
    describe: Callable[[], Running], task_definition: str, image: str, pause: Callable[[float], None] = time.sleep
) -> list[str]:
    """Return what is not as it was applied, once ECS has finished the deployment.

    Terraform's wait for a steady state may end before: it asks for as many running tasks as desired and for one
    deployment, which a service's very first has while its tasks still fail their health checks.
    """
    for poll in range(_POLLS):
        if poll:
            pause(_PAUSE_SECONDS)
        found = describe()
        if found.rollout != "IN_PROGRESS" or found.task_definition != task_definition:
            break
        if not poll:
            print("The deployment is under way ...", flush=True)
    return problems(found, task_definition, image)


def wait_for_page(url: str, pause: Callable[[float], None] = time.sleep) -> None:
    """Wait until a page answers with 200: half a minute, because a load balancer may still be taking new targets in.

    Raises:
        CommandError: it does not.
    """
    reason = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            pause(_PAUSE_SECONDS)
        try:
            with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - a URL from the configuration
                if answer.status == 200:  # noqa: PLR2004
                    return
                reason = str(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                reason = f"{error.code} {error.read(500).decode(errors='replace')}"
        except OSError as error:
            reason = str(error)
    raise CommandError(f"{url} does not answer as it should: {reason}")


def check_targets(elbv2: Any, target_group_arn: str) -> None:
    """Check that the load balancer has healthy targets, and only these in addition to draining ones.

    Raises:
        CommandError: it has not.
    """
    targets = elbv2.describe_target_health(TargetGroupArn=target_group_arn)["TargetHealthDescriptions"]
    states = {target["TargetHealth"]["State"] for target in targets} - {"draining"}
    if states != {"healthy"}:
        raise CommandError(f"The load balancer's targets are {', '.join(sorted(states)) or 'missing'}, not healthy.")


def check(environment: Mapping[str, str]) -> None:
    """Check the environment that Terraform was last prepared for.

    A service that only some addresses can reach is not called, because this may run at another one, such as GitHub's.

    Raises:
        CommandError: it is not as it was applied, or does not serve.
    """
    image = required(environment, "IMAGE", "the image that was applied, REPOSITORY@sha256:...")
    known: dict[str, Any] = outputs()
    # For where the service's own name does not lead to it yet.
    url = environment.get("SERVICE_URL") or known["service_url"]
    ecs = boto3.client("ecs", region_name=required(environment, "AWS_REGION", "the environment's region"))
    describe = partial(running, ecs, known["cluster_name"], known["service_name"])
    wrong = wait_for_deployment(describe, known["task_definition_arn"], image)
    if wrong:
        raise CommandError("\n".join(wrong))
    if "0.0.0.0/0" not in known["client_cidr_blocks"]:
        check_targets(boto3.client("elbv2", region_name=environment["AWS_REGION"]), known["target_group_arn"])
        print(f"Only {known['client_cidr_blocks']} can reach {url}: checked its targets' health instead.")
        return
    for path in _PATHS:
        wait_for_page(f"{url}{path}")
    print(f"{known['task_definition_arn']} with {image} runs, and answers at {url}.")


if __name__ == "__main__":
    sys.exit(run_command(os.environ, lambda: check(os.environ)))
