"""An environment's state, configuration and service, for the commands around an apply."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_Handler = Callable[[int, FrameType | None], object]
_TERMINALS = tuple(number for number in (1, 2) if os.isatty(number))
PROJECT = "taproom"
CHECKOUT = Path(__file__).parent.parent
ROOT = Path(os.environ.get("TERRAFORM_ROOT") or CHECKOUT / "terraform" / "environment")  # a rehearsal has a copy


class CommandError(Exception):
    """Something is missing or wrong; the message says what to do."""

    exit_code = 1


class RefusedError(CommandError):
    """A command refused to continue, and nothing was changed; the message says what to do."""

    exit_code = 3


@dataclass(frozen=True)
class Running:
    """A service's newest deployment.

    Attributes:
        image: of the service's container, as the task definition names it.
        rollout: ECS's word for how it went: COMPLETED, IN_PROGRESS or FAILED.
        running: tasks of this deployment that run.
        others: number of older deployments; 0 once all tasks are new.
    """

    task_definition: str
    image: str
    rollout: str
    running: int
    desired: int
    others: int


def run_command(settings: Mapping[str, str], command: Callable[[], None]) -> int:
    """Run a command; on an error print it, add it to the job's summary, and return its exit code.

    SIGTERM and a closed terminal interrupt it like Ctrl-C.
    """
    try:
        with _handled(
            {signal.SIGTERM: signal.default_int_handler, signal.SIGHUP: _hang_up(signal.default_int_handler)}
        ):
            command()
    except CommandError as error:
        message, code = str(error), error.exit_code
    except (BotoCoreError, ClientError) as error:
        message = f"AWS refused, or did not answer: {error}. Check the login and its permissions, and try again."
        code = 1
    except (EOFError, KeyboardInterrupt):
        message, code = "Interrupted. Run the command again: it continues from what was applied.", 130
    else:
        return 0
    print(message, file=sys.stderr)
    summarize(settings, f"```text\n{message}\n```")
    return code


@contextmanager
def _handled(handlers: Mapping[signal.Signals, _Handler | signal.Handlers]) -> Iterator[None]:
    """Handle signals for a while, except those that are ignored, as with nohup."""
    changed = [number for number in handlers if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handlers[number]) for number in changed}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hang_up(then: _Handler) -> _Handler:
    """Return a handler for a closed terminal: what is printed from now on goes nowhere."""

    def handle(number: int, frame: FrameType | None) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in _TERMINALS:
            os.dup2(nowhere, descriptor)
        then(number, frame)

    return handle


def required(environment: Mapping[str, str], name: str, meaning: str) -> str:
    """Return a setting.

    Raises:
        CommandError: it is empty; ``meaning`` says what to set it to.
    """
    value = environment.get(name, "")
    if not value:
        raise CommandError(f"Set {name}: {meaning}.")
    return value


def terraform(*arguments: str, root: Path = ROOT, allowed: tuple[int, ...] = (0,)) -> subprocess.CompletedProcess[str]:
    """Run Terraform in the environment's folder.

    Raises:
        CommandError: it failed; with its output.
    """
    finished = subprocess.run(
        ["terraform", *arguments],  # noqa: S607 - the one on the PATH
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_IN_AUTOMATION": "1"},
    )
    if finished.returncode not in allowed:
        raise failure(arguments[0], finished.stderr.strip() or finished.stdout.strip(), root)
    return finished


def in_foreground(*arguments: str, root: Path = ROOT) -> None:
    """Run Terraform, show its output meanwhile and let it ask.

    Interrupted, Terraform finishes what it has begun and releases its lock, so this waits for it. A terminal interrupts
    Terraform as well; SIGTERM is passed on. SIGHUP would end Terraform at once, so a closed terminal becomes SIGTERM.

    Raises:
        CommandError: it failed; with its output.
    """
    with _handled({signal.SIGHUP: signal.SIG_IGN}):  # Terraform inherits it
        child = subprocess.Popen(["terraform", *arguments], cwd=root, stderr=subprocess.PIPE, text=True)  # noqa: S607

    def end(_number: int, _frame: FrameType | None) -> None:
        child.send_signal(signal.SIGTERM)

    with _handled({signal.SIGINT: lambda *_: None, signal.SIGTERM: end, signal.SIGHUP: _hang_up(end)}):
        _, errors = child.communicate()
    if child.returncode:
        raise failure(arguments[0], errors.strip(), root)


def failure(command: str, output: str, root: Path = ROOT) -> CommandError:
    """Return the error of a failed Terraform, with what to do where Terraform does not say it."""
    if "Error acquiring the state lock" in output:
        lock = dict(re.findall(r"^\W*(ID|Operation|Who|Created): +(.+?)\W*$", output, re.MULTILINE))
        return RefusedError(
            f"{lock.get('Who', 'Another apply')} holds the lock of the state, taken at {lock.get('Created', '?')} "
            f"({lock.get('Operation', '?')}). Nothing was changed. Wait until it ends, and try again. If no such "
            'apply is running (docs/releases.md, "After a lost runner", says how to check), release the lock:\n'
            f"  terraform -chdir={os.path.relpath(root)} force-unlock {lock.get('ID', 'ID')}"
        )
    if "Saved plan is stale" in output:
        return RefusedError(
            "Another apply has changed the state since this plan was made. Nothing was changed. Plan again."
        )
    if re.search(r"already ?exist", output, re.IGNORECASE):
        output += '\nAn apply that was cut off may have created it. Import it: docs/releases.md, "After a lost runner".'
    return CommandError(f"terraform {command} failed.\n{output}")


def init(name: str, settings: Mapping[str, str]) -> str:
    """Prepare Terraform for one environment; return its region.

    Raises:
        CommandError: a setting is missing, or Terraform failed.
    """
    if not (ROOT / f"{name}.tfvars").exists():
        raise CommandError(f"There is no terraform/environment/{name}.tfvars.")
    bucket = required(
        settings, "STATE_BUCKET", "the bucket of the states, terraform/account's output state_bucket_name"
    )
    region = required(settings, "AWS_REGION", "the environment's region")
    backend = [f"-backend-config=key=taproom/{name}.tfstate"]
    backend += [f"-backend-config=bucket={bucket}", f"-backend-config=region={region}"]
    terraform("init", "-input=false", "-reconfigure", "-lockfile=readonly", *backend)
    return region


def environments() -> list[str]:
    """Return the environments: those that have a variable file of their name."""
    return [
        file.stem
        for file in sorted(ROOT.glob("*.tfvars"))
        if re.search(rf'^environment += "{file.stem}"$', file.read_text(), re.MULTILINE)
    ]


def outputs(root: Path = ROOT) -> dict[str, Any]:
    """Return the outputs of the environment that Terraform was last prepared for; empty before its first apply."""
    answer = json.loads(terraform("output", "-json", root=root).stdout)
    return {name: output["value"] for name, output in answer.items()}


def running(ecs: Any, cluster: str, service: str) -> Running:
    """Return a service's newest deployment.

    Raises:
        CommandError: there is no such service.
    """
    try:
        services = ecs.describe_services(cluster=cluster, services=[service])["services"]
    except ecs.exceptions.ClusterNotFoundException:
        services = []
    deployments = [entry for described in services for entry in described["deployments"]]
    newest = next((entry for entry in deployments if entry["status"] == "PRIMARY"), None)
    if newest is None:
        raise CommandError(f"{service} does not run in the cluster {cluster}: it was deleted. Set IMAGE to plan it.")
    definition = ecs.describe_task_definition(taskDefinition=newest["taskDefinition"])["taskDefinition"]
    return Running(
        task_definition=newest["taskDefinition"],
        image=definition["containerDefinitions"][0]["image"],
        rollout=newest.get("rolloutState", ""),
        running=newest["runningCount"],
        desired=newest["desiredCount"],
        others=len(deployments) - 1,
    )


def git(
    *arguments: str, allowed: tuple[int, ...] = (0,), checkout: Path = CHECKOUT
) -> subprocess.CompletedProcess[str]:
    """Run git in the checkout.

    Raises:
        CommandError: it failed; with its output.
    """
    finished = subprocess.run(["git", *arguments], cwd=checkout, capture_output=True, text=True, check=False)  # noqa: S607
    if finished.returncode not in allowed:
        raise CommandError(f"git {arguments[0]} failed.\n{finished.stderr.strip()}")
    return finished


def hand_over(settings: Mapping[str, str], **values: str) -> None:
    """Give outputs to the following steps of a workflow."""
    if path := settings.get("GITHUB_OUTPUT"):
        with Path(path).open("a") as file:
            file.writelines(f"{name.replace('_', '-')}={value}\n" for name, value in values.items())


def summarize(settings: Mapping[str, str], text: str) -> None:
    """Add Markdown to the summary of a workflow's job, of which GitHub shows 1 MiB a step."""
    if path := settings.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a") as file:
            file.write(f"{text}\n")
