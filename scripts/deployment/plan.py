"""Plan environments: what an apply would change, in AWS and in the database, as one Markdown report; `make plan`.

Without SAVE it only reads, and takes the running image and the applied commit: for pull requests, the drift check, and
people. With READ_ONLY=1 nothing is refreshed either, which the role of pull requests cannot do. The SQL comes from the
function that can only plan, which is part of every plan.

With SAVE=1 it plans a release or a deployment, and saves the plan for `make apply`: in build/plans/ENVIRONMENT, or at
PLAN=s3://BUCKET/KEY. Before, it updates the code of the planning function, so that the SQL is that of the new version.
A commit that is older than the applied one is refused; with SKIP_OLDER=1 that is a success without a plan.
"""

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import boto3

from scripts.deployment import saved_plan
from scripts.deployment.image_digest import find, parse_image, registry
from scripts.deployment.report import SUMMARY_CHARACTERS, Plan, report
from scripts.deployment.store import store
from scripts.environment import (
    CHECKOUT,
    ROOT,
    CommandError,
    RefusedError,
    git,
    hand_over,
    init,
    outputs,
    required,
    run_command,
    running,
    summarize,
    terraform,
)

REPORT = CHECKOUT / "build" / "plan.md"
PACKAGE = Path(os.environ.get("PACKAGE") or CHECKOUT / "build" / "db_bootstrap.zip")
_CHANGES_EXIT_CODE = 2
_PROGRESS = re.compile(r"^\w.*: (Refreshing state|Reading|Read |Still reading|Opening|Closing).*\n", re.MULTILINE)
_HOW_TO_APPLY = re.compile(r"\n\u2500+\s+Saved the plan to: .*", re.DOTALL)
_ADDRESS = "https://checkip.amazonaws.com"


class OlderCommitError(RefusedError):
    """The environment has a newer commit."""


@dataclass(frozen=True)
class Target:
    """An environment to plan, and its inputs.

    Attributes:
        commit: to record in the state; empty for none.
        known: outputs of the environment; empty before its first apply.
    """

    name: str
    region: str
    image: str
    commit: str
    known: Mapping[str, Any]

    def plan(self, file: Path, *options: str) -> Plan:
        """Plan into a file.

        Raises:
            CommandError: Terraform failed.
        """
        # The variable file overrides the ranges of the last apply, and an option overrides both.
        ranges = json.dumps(self.known.get("client_cidr_blocks", []))
        given = [f"-var=client_cidr_blocks={ranges}", f"-var-file={self.name}.tfvars"]
        given += [f"-var={name}={getattr(self, name)}" for name in ("image", "region")]
        given += [f"-var=commit={self.commit}"] if self.commit else []
        # Without the lock, which an interrupted plan could leave: Terraform does not apply a plan whose state moved.
        fixed = ["-input=false", "-no-color", "-lock=false", "-detailed-exitcode", f"-out={file}"]
        done = terraform("plan", *fixed, *given, *options, allowed=(0, _CHANGES_EXIT_CODE))
        text = _HOW_TO_APPLY.sub("", _PROGRESS.sub("", done.stdout))
        return Plan(self.name, done.returncode == _CHANGES_EXIT_CODE, text.strip(), show(file))


def show(file: Path) -> dict[str, Any]:
    """Return a plan as Terraform's JSON."""
    shown: dict[str, Any] = json.loads(terraform("show", "-json", str(file)).stdout)
    return shown


def read_only(name: str, settings: Mapping[str, str]) -> Plan | None:
    """Return the plan of one environment as it runs now; None if it was never applied."""
    region = init(name, settings)
    known = outputs()
    if not known:
        return None
    image = settings.get("IMAGE") or running_image(region, known)
    target = Target(name, region, image, settings.get("COMMIT") or known.get("commit") or "", known)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / saved_plan.PLAN_FILE
        return target.plan(file, *(["-refresh=false"] if settings.get("READ_ONLY") else []))


def prepare(name: str, settings: Mapping[str, str]) -> tuple[Target, saved_plan.Metadata]:
    """Check image, commit and zip.

    Raises:
        RefusedError: the environment has a newer commit, or the registry does not have the image.
        CommandError: a setting or the zip is missing.
    """
    image = required(settings, "IMAGE", "the image to apply, REPOSITORY@sha256:...")
    region = init(name, settings)
    state = json.loads(terraform("state", "pull").stdout.strip() or "{}")
    known = {output: content["value"] for output, content in state.get("outputs", {}).items()}
    commit = settings.get("COMMIT") or git("rev-parse", "HEAD").stdout.strip()
    refuse_older(name, known.get("commit"), commit)
    check_image(image)
    if not PACKAGE.exists():
        raise CommandError("build/db_bootstrap.zip is missing: make package, or make fetch-function COMMIT=...")
    made_for = state.get("lineage", ""), state.get("serial", 0)
    digest = sha256(PACKAGE.read_bytes()).hexdigest()
    found = saved_plan.Metadata(name, commit, image, digest, *made_for, time.time())
    return Target(name, region, image, commit, known), found


def save(name: str, settings: Mapping[str, str]) -> Plan:
    """Plan a release or a deployment, and store the plan."""
    target, found = prepare(name, settings)
    update_planner(target)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / saved_plan.PLAN_FILE
        plan = target.plan(file, *ranges_option(target, settings))
        archive = saved_plan.pack(file.read_bytes(), found)
    place = store(settings.get("PLAN", ""), name, archive, target.region)
    hand_over(settings, plan=place, plan_sha256=sha256(archive).hexdigest())
    return plan


def refuse_older(name: str, applied: str | None, commit: str) -> None:
    """Refuse a commit that is older than the applied one. A commit that is not in this repository is not newer.

    Raises:
        OlderCommitError: it is older.
        CommandError: the history is missing.
    """
    if not applied or applied == commit:
        return
    if git("rev-parse", "--is-shallow-repository").stdout.strip() == "true":
        raise CommandError("The checkout has no history: git fetch --unshallow (actions/checkout: fetch-depth: 0)")
    if git("cat-file", "-e", f"{applied}^{{commit}}", allowed=(0, 1, 128)).returncode:
        return
    if git("merge-base", "--is-ancestor", commit, applied, allowed=(0, 1)).returncode == 0:
        raise OlderCommitError(
            f"{name} has commit {applied[:12]}, which is newer than {commit[:12]}. Nothing was changed. Deploy a newer "
            "commit; to return to an earlier image, roll back: make roll-back ENVIRONMENT=... IMAGE=..."
        )


def check_image(image: str) -> None:
    """Check that the registry has an image.

    Raises:
        RefusedError: it does not.
        CommandError: it is not an image in ECR.
    """
    address, found = parse_image(image)
    if not find(*registry(address), found):
        raise RefusedError(f"The registry has no image {image}. Nothing was changed. Deploy an image that main built.")


def update_planner(target: Target) -> None:
    """Give the planning function the code of the zip, and wait until it runs it. It can only read the database."""
    name = target.known.get("planner_function_name")
    if not name:  # before the first apply, or in a state that is older than this output
        return
    client = boto3.client("lambda", region_name=target.region)
    package = PACKAGE.read_bytes()
    digest = base64.b64encode(sha256(package).digest()).decode()
    if client.get_function_configuration(FunctionName=name)["CodeSha256"] != digest:
        client.update_function_code(FunctionName=name, ZipFile=package)
        client.get_waiter("function_updated_v2").wait(FunctionName=name)


def running_image(region: str, known: Mapping[str, Any]) -> str:
    """Return the image that an environment's service runs."""
    return running(boto3.client("ecs", region_name=region), known["cluster_name"], known["service_name"]).image


def ranges_option(target: Target, settings: Mapping[str, str]) -> list[str]:
    """Return the option with the IPv4 ranges that can reach the service, if they are set; ask where none ever were.

    Raises:
        CommandError: there is no answer, or the public address is unknown.
    """
    given = settings.get("CLIENT_CIDR_BLOCKS", "")
    is_in_file = re.search(r"^client_cidr_blocks", (ROOT / f"{target.name}.tfvars").read_text(), re.MULTILINE)
    if not (given or settings.get("CI") or target.known.get("client_cidr_blocks") or is_in_file):
        meanings = "mine: your public address; none: no address; or a list such as 203.0.113.7/32"
        print(f"Which IPv4 ranges can reach the service? {meanings}.", file=sys.stderr)
        try:
            given = input("[mine] ") or "mine"
        except EOFError:
            raise CommandError("There is no answer. Set CLIENT_CIDR_BLOCKS=mine, none or a list.") from None
    if given == "mine":
        command = ["curl", "--fail", "--silent", "--show-error", "--proto", "=https", "--max-time", "10", _ADDRESS]
        own = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
        if not re.fullmatch(r"[0-9]+(\.[0-9]+){3}", own):
            raise CommandError(f"{_ADDRESS} does not tell your IPv4 address. Set CLIENT_CIDR_BLOCKS=203.0.113.7/32")
        given = f"{own}/32"
    ranges = [] if given == "none" else given.replace(",", " ").split()
    return [f"-var=client_cidr_blocks={json.dumps(ranges)}"] if given else []


def run(settings: Mapping[str, str]) -> None:
    """Plan each environment of ENVIRONMENT, separated by spaces; print the report and write it to build/plan.md."""
    names = required(settings, "ENVIRONMENT", "the environments to plan, such as make plan ENVIRONMENT=dev").split()
    plan = save if settings.get("SAVE") else read_only
    try:
        plans = {name: plan(name, settings) for name in names}
    except OlderCommitError as error:
        if not settings.get("SKIP_OLDER"):
            raise
        print(f"Skipped: {error}")
        summarize(settings, f"Skipped: {error}")
        hand_over(settings, skipped="true")
        return
    text = report(plans)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(text)
    print(text)
    summarize(settings, report(plans, SUMMARY_CHARACTERS))
    hand_over(settings, changes=json.dumps(any(plan and plan.changes for plan in plans.values())))


if __name__ == "__main__":
    sys.exit(run_command(os.environ, lambda: run(os.environ)))
