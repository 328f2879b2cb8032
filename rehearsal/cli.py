"""Rehearse the deployment on this machine: ``python -m rehearsal COMMAND``; ``make`` wraps the common calls.

Ctrl-C and a closed terminal end everything that ``up`` or ``rehearse`` has started, and so does an error of the first
``up``: a partial rehearsal is of no use.
"""

import argparse
import os
import shlex
import shutil
import sys
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devtools.command_line import port_number, run_command
from devtools.errors import UserError
from devtools.images.engine import find_podman
from devtools.postgres.binaries import Binaries
from devtools.terraform.program import find_terraform
from rehearsal import deployment
from rehearsal.aws import write_token
from rehearsal.demo import demo, restore_after_kill
from rehearsal.ports import DEFAULT_BALANCER_PORT
from rehearsal.progress import statements_run
from rehearsal.rotate import rotate
from rehearsal.run import DEFAULT_FOLDER, Run
from rehearsal.stages import Stages

_UP_STAGES = 7
_DOWN_STAGES = 3
_ELSEWHERE = ("CI", "SSH_CONNECTION", "SSH_TTY")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = _parser().parse_args(arguments)
    return run_command(lambda: _run(options, Run(options.folder)))


def _run(options: argparse.Namespace, run: Run) -> int:
    match options.command:
        case "up":
            up(run, options.port, in_containers=options.tasks == "container")
        case "down":
            down(run)
        case "rehearse":
            rehearse(run, options.port)
        case "token":
            print(write_token(run))
        case "demo":
            demo(run, find_terraform()[0])
        case "rotate":
            rotate(run, options.login)
        case "invoke-schedule":
            invoke_schedule(run, options.schedule)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description="Rehearse the deployment on this machine.")
    parser.add_argument(
        "--folder",
        type=Path,
        default=DEFAULT_FOLDER,
        help="folder of the rehearsal's logs and state (default: %(default)s)",
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    port = argparse.ArgumentParser(add_help=False)
    port.add_argument(
        "--port", type=port_number, default=os.environ.get("PORT") or None, help="port of the load balancer (8080)"
    )
    up = subparsers.add_parser(
        "up", parents=[port], help="deploy to a local AWS and leave it running; again: apply changes"
    )
    up.add_argument(
        "--tasks",
        type=_tasks,
        metavar="{process,container}",
        default=os.environ.get("TASKS") or "process",
        help="run tasks as processes with the image's command, or with podman from the image itself (%(default)s)",
    )
    subparsers.add_parser("down", help="destroy the rehearsal, check that nothing is left, and clean up")
    subparsers.add_parser("rehearse", parents=[port], help="up, demo and down")
    subparsers.add_parser("token", help="print the write token of the rehearsed catalogue")
    subparsers.add_parser("demo", help="show a manual change, rotations and bad releases on the running rehearsal")
    rotation = subparsers.add_parser("rotate", help="rotate the logins of the running rehearsal under load")
    rotation.add_argument("--login", help="only this one, such as beers_app; master is the database's own")
    schedule = subparsers.add_parser("invoke-schedule", help="invoke a schedule now")
    schedule.add_argument("schedule", help="its name, such as taproom-dev-access-verify")
    return parser


def _tasks(text: str) -> str:  # choices would not check a default
    if text not in {"process", "container"}:
        raise argparse.ArgumentTypeError(f"{text!r} is not a way to run tasks; use process or container")
    return text


def up(run: Run, balancer_port: int | None, *, in_containers: bool = False) -> None:
    """Rehearse the deployment and leave it running.

    Args:
        run: its folder.
        balancer_port: where the load balancer listens; 8080 or the next free port if None.
        in_containers: run tasks with podman from the image, instead of its command as processes.

    Raises:
        UserError: something is missing or failed; what was running before the first stage continues only if that
            stage refused.
    """
    stages = Stages(_UP_STAGES)
    program = _look_for_what_is_needed(run, stages, balancer_port, in_containers=in_containers)
    with _nothing_half_made(run, stages):
        url = _deploy(run, stages, program)
    stages.report()
    stages.report(_invitation(run, url, stages))
    if run.status_url and has_desktop(os.environ, sys.platform, os.geteuid()):
        webbrowser.open(run.status_url)


def down(run: Run) -> None:
    """Destroy what ``up`` made, see that nothing is left, and clean up.

    Raises:
        UserError: something could not be destroyed; the processes are ended all the same.
    """
    if not run.is_running() or run.is_being_changed() or not deployment.Deployment.can_be_destroyed(run):
        ended = run.clear()
        print(f"Ended what an interrupted run had left: {', '.join(ended)}." if ended else "Nothing is running.")
        return
    stages = Stages(_DOWN_STAGES)
    program, _ = find_terraform()
    _destroy(run, stages, program)
    stages.report("Nothing is left.")


def rehearse(run: Run, balancer_port: int | None) -> None:
    """Up, demo and down in one go, for a pipeline."""
    stages = Stages(_UP_STAGES + _DOWN_STAGES)
    if run.is_running():
        raise UserError("A rehearsal is running in this folder. End it with `make down`, then try again.")
    program = _look_for_what_is_needed(run, stages, balancer_port)
    with _nothing_half_made(run, stages):
        _deploy(run, stages, program)
        demo(run, program)
        _destroy(run, stages, program)
    stages.report()
    stages.report(f"{stages.seconds:.0f} s without the demo.")


def invoke_schedule(run: Run, schedule: str) -> None:
    """Do now what a schedule of the running rehearsal would do at its time.

    Raises:
        UserError: nothing runs, or the invocation failed.
    """
    run.require_running()
    run.invoke_schedule(schedule)
    print(f"Invoked. The log of its function is in {run.logs / 'functions'}.")


def _look_for_what_is_needed(
    run: Run, stages: Stages, balancer_port: int | None, *, in_containers: bool = False
) -> str:
    """Check the machine and the run's folder, and choose ports for a new run; Terraform's program."""
    with stages.stage("Check the prerequisites"):
        program, version = find_terraform()
        server = Binaries.find()
        if in_containers:
            find_podman()
        stages.progress(f"Terraform {version}, PostgreSQL {server.major}")
        if run.is_running():
            _refuse_unless_applicable(run, balancer_port)
            restore_after_kill(run, program, stages)
            run.has_containers = in_containers
            return program
        ended = run.clear()
        ports = run.take_ports(balancer_port)
        run.has_containers = in_containers
    if ended:
        stages.report(f"      An interrupted run had left processes behind; ended {', '.join(ended)}.")
    if balancer_port is None and ports.balancer != DEFAULT_BALANCER_PORT:
        stages.report(f"      Port {DEFAULT_BALANCER_PORT} is taken; the load balancer listens on {ports.balancer}.")
    return program


def _refuse_unless_applicable(run: Run, balancer_port: int | None) -> None:
    if run.is_being_changed():
        raise UserError(
            "Another command is changing the rehearsal in this folder. Wait for it, or end everything with `make down`."
        )
    if run.ports and balancer_port not in {None, run.ports.balancer}:
        raise UserError(
            f"A rehearsal is running with its load balancer on port {run.ports.balancer}. "
            "Leave PORT out to apply to it, or end it first with `make down`."
        )


def _deploy(run: Run, stages: Stages, program: str) -> str:
    """Apply the checkout to a new or the running rehearsal; return the service's URL."""
    running = run.is_running()
    with stages.stage("Build the function's zip and the service's image"):
        digest = deployment.build(run)
        stages.progress(f"image {digest[:19]}")
    with stages.stage("Start the local AWS"):
        if running:
            stages.progress("it runs already")
        else:
            deployment.start_local_aws(run)
            stages.progress(f"{run.endpoint}; watch it at {run.status_url}")
            stages.report(f"      For the AWS CLI: . {shlex.quote(str(run.folder / 'aws.env'))}")
    terraform = deployment.Deployment(run, program)
    with stages.stage("Apply terraform/account (state bucket, registry, pipeline role)"):
        terraform.apply_account(stages.progress)
    with stages.stage("Initialize terraform/environment"):
        terraform.init_environment(stages.progress)
        before = terraform.environment.applied_outputs()
    if not running:
        stages.report("      Next the whole environment. The AWS provider alone waits 80 s for a new database.")
    with stages.stage("Apply terraform/environment"):
        terraform.apply_environment(digest, stages.progress)
    for line in statements_run(before, terraform.environment.applied_outputs()):
        stages.report(f"      {line}")
    url = f"http://127.0.0.1:{run.ports.balancer}" if run.ports else ""
    with stages.stage("Wait until the service answers"):
        deployment.wait_until_it_answers(url, stages.progress)
        stages.progress(url)
    return url


def _destroy(run: Run, stages: Stages, program: str) -> None:
    terraform = deployment.Deployment(run, program)
    stages.report("      Next the destroy. The AWS provider alone waits 60 s for a database to go.")
    try:
        with stages.stage("Destroy what was made"):
            terraform.destroy(stages.progress)
        with stages.stage("See that no resource is left"):
            deployment.check_nothing_is_left(run)
            stages.progress("none")
    except UserError:
        stages.report(f"      All processes have ended. The logs are in {run.logs}; `make down` removes them.")
        raise
    finally:
        deployment.stop_local_aws(run)
    with stages.stage("See that no process is left, and clean up"):
        ended = run.clear()
        if ended:
            raise UserError(f"These processes outlived the local AWS and had to be ended: {', '.join(ended)}.")
        stages.progress("none")


@contextmanager
def _nothing_half_made(run: Run, stages: Stages) -> Iterator[None]:
    """End everything that was started unless the block ends well; the logs are kept to find out why.

    A rehearsal that ran before the block continues when a change of it is refused or rolled back, as it would in AWS.
    """
    ran_before = run.is_running()
    try:
        yield
    except BaseException as error:
        if ran_before and isinstance(error, UserError) and run.is_running():
            stages.report("The change was not made. What ran before still runs.")
            raise
        logs = run.folder.with_name(run.folder.name + "-logs")
        deployment.stop_local_aws(run)
        shutil.rmtree(logs, ignore_errors=True)
        if run.logs.exists():
            shutil.copytree(run.logs, logs, symlinks=True, ignore=shutil.ignore_patterns("*.data"))
        run.clear()
        why = "Interrupted" if isinstance(error, KeyboardInterrupt) else "Stopped"
        stages.report(f"{why}. Everything that was started has been ended. The logs are in {logs}.")
        if isinstance(error, UserError):  # which may name a log where it was
            raise type(error)(str(error).replace(str(run.logs), str(logs))) from error
        raise


def _invitation(run: Run, url: str, stages: Stages) -> str:
    beer = '{"name": "Rehearsal Stout", "style": "Stout", "abv": 6.5}'
    return f"""The service answers at {url}. Try

  curl {url}/beers
  TOKEN=$(make token)   # what changing the catalogue takes, read from the local Secrets Manager
  curl -X POST -H "Authorization: Bearer $TOKEN" {url}/beers/seed
  curl -X POST -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{beer}' {url}/beers

or open {url}/ in a browser; the API's documentation is at {url}/docs.

It took {stages.seconds:.0f} s. Logs are in {run.logs}: tasks/ (the service and its migration), functions/,
postgresql-*.log, journal.jsonl (every call to the local AWS), terraform-*.log.
Apply a change of the code with `make up` again; end it all with `make down`.

Status page: {run.status_url}"""


def has_desktop(environment: Mapping[str, str], platform: str, user_id: int) -> bool:
    """Return True if a browser may be opened: not for root, a pipeline or a remote session, and only with a display.

    Args:
        environment: its variables.
        platform: as ``sys.platform`` names it.
        user_id: of the account that this runs as.
    """
    if user_id == 0 or any(environment.get(name) for name in _ELSEWHERE):
        return False
    return platform == "darwin" or any(environment.get(name) for name in _DISPLAYS)
