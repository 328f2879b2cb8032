"""Show on a running rehearsal how the deployment handles a manual change, rotations and bad releases.

Terraform, ECS's rollbacks and Secrets Manager's rotations are those of ``up``, under load. At the end, also after
Ctrl-C or a failure, everything but the passwords is as before. After SIGKILL, the next ``demo`` or ``up`` restores it.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from devtools import migration
from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from devtools.images.store import ImageStore, copy_context
from devtools.load import Load
from rehearsal import deployment
from rehearsal.aws import aws_client
from rehearsal.database import connected, credential
from rehearsal.rotate import MASTER, Rotations, clients
from rehearsal.run import Run
from rehearsal.stages import Stages
from rehearsal.terraform import Terraform, TerraformError
from scripts.environment import CommandError, Running, running

# The clients leave processor time to the rest on two cores.
PAUSE_SECONDS = 0.1
STAGES = 7
_SERVICE = "taproom-dev"
_GRANT = "GRANT beers_writer TO beers_report"
_UNDO_GRANT = "REVOKE beers_writer FROM beers_report"
_PLANNED = ['REVOKE "beers_writer" FROM "beers_report" GRANTED BY "dbmaster";']
_APPLY_OF_ACCESS = ["module.database_access.aws_lambda_invocation.apply"]
_FAILS = '\n\nraise RuntimeError("This image is bad.")\n'
_FAILS_AFTER_MIGRATION = '\n\ndef create_app():\n    raise RuntimeError("This release is bad.")\n'
# The plan before has refreshed the state, so only the service is read and changed.
_SERVICE_ONLY = ("-refresh=false", "-target=module.service")
_PATIENCE_SECONDS = 600
_AS_BEFORE = "Tasks, access and tables are as before."


def demo(run: Run, program: str) -> None:
    """Show it, and restore what was changed.

    Args:
        run: a running rehearsal.
        program: Terraform's path.

    Raises:
        UserError: nothing runs, something else changes it, or a step or a request failed.
    """
    run.require_running()
    if run.is_being_changed():
        raise UserError("Another command is changing the rehearsal. Wait for it, then try again.")
    stages = Stages(STAGES)
    restore_after_kill(run, program, stages)
    _deployed(run)
    try:
        with clients(run, PAUSE_SECONDS) as load:
            shown = _Demo(run, program, stages, load)
            try:
                shown.revert_a_manual_grant()
                shown.rotate_each_login()
                shown.roll_back_releases()
            finally:
                shown.restore()
    except BaseException as error:
        why = "Interrupted" if isinstance(error, KeyboardInterrupt) else "Stopped"
        left = "The next `make demo` or `make up` undoes the changes that are left."
        stages.report(f"{why}. {left if run.demo.exists() else _AS_BEFORE}")
        raise
    stages.report(f"\n{len(load.failures)} of {load.requests} requests failed in {stages.seconds:.0f} s.")
    if load.failures:
        raise UserError(f"The first was {load.failures[0]}. Read why in {run.logs / 'tasks'}.")
    stages.report(_AS_BEFORE)


def restore_after_kill(run: Run, program: str, stages: Stages) -> None:
    """Remove the locks that a killed Terraform has left, undo the changes of a killed demo, and report both."""
    for key in deployment.remove_locks(run):
        stages.report(f"      A Terraform that was killed had left {key}; removed it.")
    if run.demo.exists():
        stages.report("      A demo that was killed had left changes; undoing them.")
        _restore(run, deployment.Deployment(run, program).environment)


class _Demo:
    """The steps, on one deployment under one load."""

    def __init__(self, run: Run, program: str, stages: Stages, load: Load) -> None:
        self._run = run
        self._terraform = deployment.Deployment(run, program)
        self._terraform.environment.stop_seconds = _PATIENCE_SECONDS
        self._stages = stages
        self._load = load
        assert run.ports  # of what runs
        self._url = f"http://127.0.0.1:{run.ports.balancer}"
        self._image = _deployed(run).image
        self._digest = self._image.partition("@")[2]
        self._revision = self._deployed_revision()
        self._record()

    def revert_a_manual_grant(self) -> None:
        """Grant as the master, then plan, and apply that plan."""
        with self._stage("Grant more access by hand"):
            _sql(self._run, MASTER, _GRANT)
            self._stages.progress(f"the master ran {_GRANT}")
        with self._stage("terraform plan"):
            self._stages.progress("reading every resource and the database")
            plan = self._terraform.plan_environment(self._digest) or {}
            shown = plan.get("output_changes", {}).get("access_plan", {}).get("after", "").splitlines()
            sql = [line for line in shown if not line.startswith("-- ")]
            changes = {one["address"]: one["change"]["actions"] for one in plan.get("resource_changes", [])}
            changed = [address for address, actions in changes.items() if actions not in (["no-op"], ["read"])]
            if sql != _PLANNED or changed != _APPLY_OF_ACCESS:
                raise UserError("The plan has other changes too. Apply them with `make up` first, then show the demo.")
            self._stages.progress("the change is found, with the SQL that reverts it")
        for line in shown[1:]:  # the first is the plan's digest
            self._stages.report(f"        {line}")
        with self._stage("terraform apply"):
            self._terraform.environment.apply_planned(self._stages.progress)
            self._stages.progress("reverted")

    def rotate_each_login(self) -> None:
        """Rotate the password of each login but the master."""
        rotations = Rotations(self._run)
        with self._stage("Rotate every password"):
            done = []
            for login, arn in rotations.secret_arn_by_login().items():
                if login != MASTER:
                    rotated = rotations.rotate(login, arn, self._stages.progress)
                    if not rotated.succeeded:
                        raise UserError(f"The rotation of {login} failed. Read why in {self._run.logs / 'functions'}.")
                    done.append(rotated.current)
            self._stages.progress(f"{' and '.join(done)} log in now")

    def roll_back_releases(self) -> None:
        """Apply two bad releases, which ECS rolls back."""
        self._record(state=self._terraform.environment.state())
        self._roll_back("Apply a bad image", _FAILS, {})
        text = migration.source(migration.REVISION, self._revision, migration.CHANGE)
        files = {"database/migrations/versions/trial.py": text}
        self._roll_back("Apply a bad release with a migration", _FAILS_AFTER_MIGRATION, files)

    def restore(self) -> None:
        """Undo all changes but those of passwords."""
        with self._stage("Restore the tables and Terraform's state"):
            _restore(self._run, self._terraform.environment)
            self._stages.progress("done")

    def _record(self, **before: str) -> None:
        process = psutil.Process()
        known = {"pid": process.pid, "created": process.create_time(), "revision": self._revision, **before}
        part = self._run.demo.with_suffix(".part")
        part.write_text(json.dumps(known))
        part.replace(self._run.demo)

    def _roll_back(self, title: str, code: str, files: dict[str, str]) -> None:
        with self._stage(title):
            try:
                digest = self._bad_image(code, files)
                self._terraform.apply_environment(digest, self._stages.progress, _SERVICE_ONLY)
            except TerraformError as error:
                if "ECS did not keep the new tasks and went back" not in str(error):
                    raise
                reason = str(error).rstrip().rpartition("\n")[2].strip()
            else:
                raise UserError("ECS accepted an image whose service does not start.")
            image, revision = _deployed(self._run).image, self._deployed_revision()
            if (image, revision) != (self._image, migration.REVISION if files else self._revision):
                raise UserError(f"ECS went back to {image}, and the tables are at {revision}.")
            at = ", with the tables that the release migrated" if files else ""
            self._stages.progress(f"ECS went back{at}, and the apply failed")
        self._stages.report(f"        {reason}")

    def _bad_image(self, code: str, files: dict[str, str]) -> str:
        """Return the digest of the deployed image with a text added to its code, and with more files of ``app``."""
        with tempfile.TemporaryDirectory(prefix="taproom-demo-") as name:
            folder = Path(name)
            copy_context(CHECKOUT, self._run.authority / "ca.pem", folder)
            shutil.rmtree(folder / "app")
            shutil.copytree(ImageStore(self._run.images).get(self._image).directory / "app", folder / "app")
            for path, text in files.items():
                (folder / "app" / path).write_text(text)
            with (folder / "app" / "__init__.py").open("a") as module:
                module.write(code)
            return deployment.build_image(self._run, folder)

    def _deployed_revision(self) -> str:
        return str(json.loads(deployment.wait_until_it_answers(self._url, self._stages.progress))["revision"])

    @contextmanager
    def _stage(self, title: str) -> Iterator[None]:
        """Add to what a stage came to how many requests were sent and failed until then."""
        with self._stages.stage(title):
            yield
            said = f"{self._stages.text}; {self._load.requests} requests, {len(self._load.failures)} failed"
            self._stages.progress(said)


def _restore(run: Run, environment: Terraform) -> None:
    before = json.loads(run.demo.read_text())
    deployment.remove_locks(run)
    _sql(run, MASTER, _UNDO_GRANT)  # PostgreSQL only warns where nothing is left to revoke
    if "state" in before:
        # Only when ECS has gone back is the state from before the releases true again.
        stable = aws_client(run, "ecs").get_waiter("services_stable")
        stable.wait(cluster=_SERVICE, services=[_SERVICE], WaiterConfig={"Delay": 1, "MaxAttempts": _PATIENCE_SECONDS})
        environment.put_state(before["state"])
        _sql(run, "beers_migrator", *migration.undo(before["revision"]))
    run.demo.unlink()


def _deployed(run: Run) -> Running:
    try:
        return running(aws_client(run, "ecs"), _SERVICE, _SERVICE)
    except CommandError as error:
        raise UserError("The service is not deployed. Run `make up` first.") from error


def _sql(run: Run, login: str, *statements: str) -> None:
    with connected(run, credential(run, Rotations(run).secret_arn_by_login()[login])) as connection:
        for statement in statements:
            connection.run(statement)
