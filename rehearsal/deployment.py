"""A deployment on the local AWS: start it, apply to it, ask it, take it down.

Each function is one step that a person can follow; ``rehearsal.cli`` puts them in order and tells what happens.
"""

import functools
import importlib.util
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from devtools.certificates import create_authority
from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from devtools.images.engine import RUN_LABEL, Engine
from devtools.images.store import ImageStore
from devtools.processes import ProcessRegister
from devtools.terraform.providers import write_cli_config
from rehearsal.aws import assume_role, aws_client
from rehearsal.run import Run
from rehearsal.terraform import DOMAINS, Terraform, TerraformError, configuration_digest, copy_configuration

_SERVER_START_SECONDS = 180
_SERVER_STOP_SECONDS = 60
_ANSWER_SECONDS = 180
SHOWN_LINES = 10
_STATUS_PAGE = "rehearsal.status.page"
Report = Callable[[str], None]


def build(run: Run) -> str:
    """Build the function's zip and the service's image from the checkout; the image's digest.

    Args:
        run: the run; if its tasks are containers, the image itself is built, on the base that BASE names.

    Raises:
        UserError: with what the builder said.
    """
    build_package(run)
    return build_image(run, CHECKOUT)


def build_image(run: Run, checkout: Path) -> str:
    """Build the service's image from a checkout, or what it has of one; return the digest."""
    images = ImageStore(run.images)
    ca_file = run.authority / "ca.pem"
    if not run.has_containers:
        return images.build(checkout, ca_file)
    engine = Engine.find("podman")
    base = os.environ.get("BASE") or None
    label = {RUN_LABEL: str(run.folder)}
    return images.build_for_containers(
        checkout, ca_file, lambda context, tag: engine.build(context, tag, base=base, labels=label)
    )


def build_package(run: Run) -> None:
    """Build the zip of the functions from the checkout.

    Raises:
        UserError: with what the builder said.
    """
    authority = create_authority(run.authority)
    options = ["--ca-file", str(authority.ca_file), "--output", str(run.package)]
    command = [sys.executable, "-m", "scripts.package_function", *options]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(f"The function's zip was not built.\n{done.stderr.strip() or done.stdout.strip()}")


def start_local_aws(run: Run) -> None:
    """Start the local AWS of a run in the background and wait until it answers.

    Raises:
        UserError: it ended, or did not answer in time; with the end of its log.
    """
    listeners = run.listeners
    if listeners is None:
        raise UserError("The run has no ports yet; reserve them before starting.")
    log = run.logs / "local-aws.log"
    descriptors = [listener.fileno() for listener in listeners]
    aws, balancer, status = (f"fd://{descriptor}" for descriptor in descriptors)
    server = ProcessRegister(run.processes).start(
        [
            *(sys.executable, "-m", "localaws", "--run-directory", str(run.folder)),
            *("--port", aws, "--balancer-port", balancer, "--status-port", status),
            *(("--install", _STATUS_PAGE) if importlib.util.find_spec(_STATUS_PAGE.rpartition(".")[0]) else ()),
        ],
        env=_server_environment(),
        cwd=CHECKOUT,
        log=log,
        pass_fds=descriptors,
    )
    run.hand_over_ports()
    deadline = time.monotonic() + _SERVER_START_SECONDS
    while not run.is_running():
        if server.poll() is not None or time.monotonic() > deadline:
            end = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
            raise UserError(f"The local AWS does not answer. Its log {log} ends:\n{end}")
        time.sleep(0.1)
    ProcessRegister.release(server)


def stop_local_aws(run: Run) -> None:
    """Ask the local AWS to end with all its children, and end what is left of them when it does not."""
    for process in run.left_running()[:1]:
        process.terminate()
    deadline = time.monotonic() + _SERVER_STOP_SECONDS
    while run.left_running() and time.monotonic() < deadline:
        time.sleep(0.1)


class Deployment:
    """The project's two root modules, in the copy that a run works on.

    Args:
        run: the run; its local AWS must answer.
        terraform: the program.
        environment: whose variable and backend file are used.
        beside: the deployment of another environment in the same account, of which this one knows only the
            account. It works on a separate copy, so that both can be applied at once.
    """

    def __init__(
        self, run: Run, terraform: str, environment: str = "dev", *, beside: "Deployment | None" = None
    ) -> None:
        self.run = run
        self._name = environment
        self._folder = run.folder / f"terraform-{environment}" if beside else run.terraform
        copy_configuration(self._folder)
        cli_config = write_cli_config(run.folder / "terraform.rc")
        self._terraform = functools.partial(
            Terraform,
            terraform,
            endpoint=run.endpoint or "",
            processes=ProcessRegister(run.processes),
            logs=run.logs / environment if beside else run.logs,
            cli_config=cli_config,
        )
        self.account: Terraform = (
            beside.account if beside else self._terraform(self._folder / "account", credentials=run.administrator)
        )

    @staticmethod
    def can_be_destroyed(run: Run) -> bool:
        """Return True if the state of the environment is known to name everything: its last apply was not killed."""
        return (run.folder / "dev-environment.sha256").exists() and not locks(run)

    @functools.cached_property
    def environment(self) -> Terraform:
        """The environment's root module, applied as the pipeline would: with the role that may deploy it.

        Available once the account has been applied, which creates that role.
        """
        role = self._account_outputs["deploy_role_arns"][self._name]
        return self._terraform(self._folder / "environment", credentials=assume_role(self.run, role))

    def apply_account(self, report: Report) -> None:
        """Apply what an AWS account needs once, unless this run has applied the same configuration already."""

        def apply() -> None:
            self.account.init({})
            self.account.apply(self._account_variables, report)

        if not self._once("account", apply):
            report("no change of its configuration")

    def init_environment(self, report: Report = lambda _text: None) -> None:
        """Prepare the environment's root module with its state in the account's bucket, unless it is prepared."""

        def init() -> None:
            key = f"taproom/{self._name}.tfstate"
            backend = {"key": key, "bucket": self._account_outputs["state_bucket_name"], "use_path_style": "true"}
            self.environment.init(backend)

        if not self._once("environment", init):
            report("no change of its configuration")

    def _once(self, root: str, action: Callable[[], None]) -> bool:
        """Run an action that depends only on a root module's configuration; return False if that has not changed.

        The digest is in the run's folder, which is removed together with the local AWS.
        """
        digest = configuration_digest(self._folder, root, self._account_variables)
        done = self.run.folder / f"{self._name}-{root}.sha256"
        if done.exists() and done.read_text() == digest:
            return False
        done.unlink(missing_ok=True)
        action()
        done.write_text(digest)
        return True

    def apply_environment(self, digest: str, report: Report, options: Sequence[str] = ()) -> None:
        """Apply the environment with an image.

        Args:
            digest: the image's.
            report: gets what Terraform is doing.
            options: of Terraform, in addition.

        Raises:
            UserError: Terraform failed; or a first deployment did, which Terraform would wait 20 minutes for. With the
                end of the log of the last task that failed.
        """

        def note_unless_failed(text: str) -> None:
            self._raise_if_failed()
            report(text)

        try:
            self.environment.apply(self.variables(digest), note_unless_failed, f"{self._name}.tfvars", options)
        except UserError as error:
            raise type(error)(f"{error}{self._end_of_failed_task(digest)}") from None

    def plan_account(self) -> dict[str, Any] | None:
        """Return what another apply of the account would change, as Terraform's JSON; none when nothing."""
        return self.account.plan(self._account_variables)

    def plan_environment(self, digest: str) -> dict[str, Any] | None:
        """Return what another apply would change, as Terraform's JSON; none when nothing."""
        return self.environment.plan(self.variables(digest), var_file=f"{self._name}.tfvars")

    def destroy(self, report: Report) -> None:
        """Destroy the environment, then the account's part."""
        self.destroy_environment(report)
        self.destroy_account(report)

    def destroy_environment(self, report: Report) -> None:
        """Destroy the environment alone."""
        self.environment.destroy(self.variables("sha256:" + "0" * 64), report, var_file=f"{self._name}.tfvars")

    def destroy_account(self, report: Report) -> None:
        """Destroy the account's part alone."""
        self.account.destroy(self._account_variables, report)

    def variables(self, digest: str) -> dict[str, object]:
        """The environment's variables that a run sets."""
        repository = self._account_outputs["image_repository_url"]
        return {"image": f"{repository}@{digest}", "database_bootstrap_package": str(self.run.package)}

    def _raise_if_failed(self) -> None:
        failed = failed_rollout(self.run.ask("status").get("services", {}).get("ecs", {}).get("services", {}))
        if failed:
            raise UserError(failed)

    def _end_of_failed_task(self, digest: str) -> str:
        """Return the path and the last lines of the log of the last task with an image that failed; or nothing."""
        tasks = self.run.ask("status")["services"].get("ecs", {}).get("tasks", [])
        task = failed_task(tasks, digest)
        logs = (self.run.logs / "tasks").glob(f"*-{task}-*.log") if task else ()
        log = max(logs, key=lambda path: path.stat().st_mtime, default=None)
        if log is None:
            return ""
        end = "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-SHOWN_LINES:])
        return f"\n\nThe log of the last task that failed, {log}, ends:\n{end}"

    @functools.cached_property
    def _account_outputs(self) -> dict[str, Any]:
        return self.account.applied_outputs() or self.account.outputs()

    @property
    def _account_variables(self) -> dict[str, object]:
        # Without an end to what is kept: for the rules that set one the AWS provider waits most of a minute.
        return {
            "github_repository": "example/taproom",
            "github_owner_id": "1001",
            "github_repository_id": "2002",
            "state_version_days": 0,
            "access_log_days": 0,
            "domain_names": {name: [domain] for name, domain in DOMAINS.items()},
        }


def failed_rollout(services: dict[str, Any]) -> str | None:
    """Return the events of a service whose first tasks all failed; None if there is no such service."""
    for name, service in services.items():
        if service["rollout"] == "FAILED":
            said = "\n".join(f"  {event}" for event in service["events"])
            return f"The tasks of service {name} do not start, and ECS gave up:\n{said}"
    return None


def failed_task(tasks: Iterable[Mapping[str, Any]], digest: str) -> str | None:
    """Return the ID of the newest task with an image that stopped by a failure; None if there is none."""
    stopped = [task for task in tasks if task["status"] == "STOPPED"]
    ours = [task for task in stopped if any(image.endswith(digest) for image in task["images"].values())]
    failed = [task for task in ours if not (task["stopped_reason"] or "").startswith("Scaling activity")]
    return max(failed, key=lambda task: str(task["created"]))["id"] if failed else None


def wait_until_it_answers(url: str, report: Report) -> bytes:
    """Wait until the service behind ``url`` says that it is ready; return its answer.

    Raises:
        UserError: it does not within three minutes.
    """
    deadline = time.monotonic() + _ANSWER_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=5) as answer:  # noqa: S310 - a fixed http address
                content: bytes = answer.read()
                return content
        except OSError as error:
            if time.monotonic() > deadline:
                raise UserError(f"The service does not answer at {url}/readyz: {error}") from error
            report(f"{url}/readyz: {error}")
            time.sleep(0.2)


def locks(run: Run) -> list[dict[str, str]]:
    """Return bucket and key of the lock on dev's state; without a Terraform at work, a killed one has left it."""
    s3 = aws_client(run, "s3")
    return [
        {"Bucket": bucket["Name"], "Key": entry["Key"]}
        for bucket in s3.list_buckets()["Buckets"]
        for entry in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", [])
        if entry["Key"].endswith("/dev.tfstate.tflock")
    ]


def remove_locks(run: Run) -> list[str]:
    """Remove the locks that a killed Terraform has left; return their keys."""
    left = locks(run)
    for lock in left:
        aws_client(run, "s3").delete_object(**lock)
    return [lock["Key"] for lock in left]


def check_nothing_is_left(run: Run) -> None:
    """Ask the local AWS what it still holds.

    Raises:
        TerraformError: something outlived the destroy.
    """
    left = run.ask("resources")["resources"]
    if left:
        raise TerraformError("The destroy left these resources behind:\n  " + "\n  ".join(left))


def _server_environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "TMPDIR", "POSTGRESQL_BIN")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    return {**environment, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(Path(CHECKOUT))}
