"""What an environment is and runs, asked of its state and of ECS; for the commands around an apply."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent / "terraform" / "environment"


class CommandError(Exception):
    """Something is missing or wrong; the message says what to do."""


@dataclass(frozen=True)
class Running:
    """What a service's newest deployment is.

    Attributes:
        task_definition: the revision's ARN.
        image: of the service's container, as the task definition names it.
        rollout: ECS's word for how it went: COMPLETED, IN_PROGRESS or FAILED.
        running: tasks of this deployment that run.
        desired: tasks that it should have.
        others: deployments beside it; none once all tasks are new.
    """

    task_definition: str
    image: str
    rollout: str
    running: int
    desired: int
    others: int


def required(environment: Mapping[str, str], name: str, meaning: str) -> str:
    """A setting, or an error that says what to put there."""
    value = environment.get(name, "")
    if not value:
        raise CommandError(f"Set {name}: {meaning}.")
    return value


def terraform(*arguments: str, root: Path = ROOT, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run Terraform in the environment's folder.

    Raises:
        CommandError: it failed; with what it said.
    """
    done = subprocess.run(
        ["terraform", *arguments],  # noqa: S607 - whichever is on the PATH
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_IN_AUTOMATION": "1"},
    )
    if done.returncode not in allowed:
        raise CommandError(f"terraform {arguments[0]} failed.\n{done.stderr.strip() or done.stdout.strip()}")
    return done


def outputs(root: Path = ROOT) -> dict[str, Any]:
    """The outputs of the environment that Terraform was last prepared for; empty before its first apply."""
    answer = json.loads(terraform("output", "-json", root=root).stdout)
    return {name: output["value"] for name, output in answer.items()}


def running(ecs: Any, cluster: str, service: str) -> Running:
    """What a service's newest deployment is."""
    (found,) = ecs.describe_services(cluster=cluster, services=[service])["services"]
    newest = next(entry for entry in found["deployments"] if entry["status"] == "PRIMARY")
    definition = ecs.describe_task_definition(taskDefinition=newest["taskDefinition"])["taskDefinition"]
    return Running(
        task_definition=newest["taskDefinition"],
        image=definition["containerDefinitions"][0]["image"],
        rollout=newest.get("rolloutState", ""),
        running=newest["runningCount"],
        desired=newest["desiredCount"],
        others=len(found["deployments"]) - 1,
    )
