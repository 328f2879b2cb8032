"""A saved plan is applied as it was approved, or refused with nothing changed; the tests run in this order.

In each run: tests/integration/scripts/test_deploy_scripts.py without Terraform, and test_release.py.
"""

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT
from devtools.terraform.program import LAUNCHER
from tests.support.pipeline import git_in
from tests.support.rehearsal import Rehearsal

pytestmark = [pytest.mark.rehearsal, pytest.mark.nightly, pytest.mark.timeout(900)]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
GRANTED = "SELECT relacl::text FROM pg_class WHERE oid = 'beers.beers'::regclass"


class Operator:
    """Runs the commands as the deploying role, in a checkout with the rehearsal's Terraform."""

    def __init__(self, rehearsal: Rehearsal) -> None:
        self.rehearsal = rehearsal
        self.folder = rehearsal.run.folder
        (self.folder / "scripts").symlink_to(CHECKOUT / "scripts")
        (self.folder / "build").mkdir()
        self.package.symlink_to(rehearsal.run.package)
        self.git("init", "--quiet")
        rehearsal.aws("ecr").put_image(
            repositoryName="taproom",
            imageTag="released",
            imageDigest=rehearsal.digest,
            imageManifest=json.dumps({"mediaType": MANIFEST, "config": {"digest": rehearsal.digest}}),
        )
        account = rehearsal.deployment.account.outputs()
        self.environment = {
            **rehearsal.deployment.environment._environment,
            "CI": "true",
            "ENVIRONMENT": "dev",
            "IMAGE": f"{account['image_repository_url']}@{rehearsal.digest}",
            "PATH": f"{LAUNCHER.parent}:{os.environ['PATH']}",
            "STATE_BUCKET": account["state_bucket_name"],
            "TF_CLI_ARGS_init": "-backend-config=use_path_style=true",
            "TF_VAR_database_bootstrap_package": str(rehearsal.run.package),
        }

    @property
    def package(self) -> Path:
        return self.folder / "build" / "db_bootstrap.zip"

    @property
    def plan(self) -> Path:
        return self.folder / "build" / "plans" / "dev" / "plan.zip"

    def git(self, *arguments: str) -> str:
        """Run git in the checkout."""
        return git_in(self.folder, *arguments)

    def commit(self) -> str:
        """Commit nothing; return the commit."""
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.git("rev-parse", "HEAD")

    def run(self, *command: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run one of the commands."""
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
            check=False,
        )

    def refused(self, **more: str) -> str:
        """Apply, which is refused with nothing changed; return why."""
        before = self.everything()
        done = self.run("scripts.deployment.apply", "apply", **more)
        assert done.returncode == 3, done.stdout[-3000:] + done.stderr[-3000:]
        assert self.everything() == before
        return done.stderr

    def everything(self) -> tuple[object, ...]:
        """Return the state, the planning function's code, and the privileges in the database."""
        state = json.loads(self.rehearsal.deployment.environment.state())
        planner = self.rehearsal.aws("lambda").get_function_configuration(FunctionName="taproom-dev-access-plan")
        return state["serial"], state["resources"], planner["CodeSha256"], self.rehearsal.sql(GRANTED)


@pytest.fixture(scope="module")
def operator(rehearsal: Rehearsal) -> Iterator[Operator]:
    yield Operator(rehearsal)
    rehearsal.aws("ecr").batch_delete_image(repositoryName="taproom", imageIds=[{"imageTag": "released"}])


@pytest.fixture(scope="module")
def approved(operator: Operator) -> str:
    """Plan the first commit; return the plan's digest."""
    operator.commit()
    done = operator.run("scripts.deployment.plan", SAVE="1")
    assert done.returncode == 0, done.stderr
    return sha256(operator.plan.read_bytes()).hexdigest()


def test_a_manual_grant_and_a_changed_resource_are_refused_by_name(operator: Operator, approved: str) -> None:
    logs = operator.rehearsal.aws("logs")
    logs.put_retention_policy(logGroupName="/ecs/taproom-dev", retentionInDays=1)
    operator.rehearsal.sql("GRANT INSERT ON beers.beers TO beers_report")
    said = operator.refused(PLAN_SHA256=approved)
    assert "- module.service.aws_cloudwatch_log_group.tasks would change too: retention_in_days" in said
    assert '    +REVOKE INSERT ON TABLE "beers"."beers" FROM "beers_report";' in said
    assert "CREATE ROLE" not in said, "what was applied before"


def test_the_same_plan_made_again_is_applied_with_the_code_that_it_shows(operator: Operator, approved: str) -> None:
    earlier = operator.plan.read_bytes()
    with zipfile.ZipFile(operator.package, "a") as package:
        package.writestr("next.txt", "another version")
    commit = operator.commit()
    made = operator.run("scripts.deployment.plan", SAVE="1")
    assert "REVOKE" in made.stdout, "the planning function has the new code already"
    done = operator.run("scripts.deployment.apply", "apply")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "beers_report" not in str(operator.rehearsal.sql(GRANTED))
    assert operator.run("scripts.deployment.apply", "applied-commit").stdout.strip() == commit
    operator.plan.write_bytes(earlier)
    assert f"has commit {commit[:12]}, which is newer" in operator.refused(PLAN_SHA256=approved)
