"""The project's pipeline on this machine: its workflows, a git remote, and a local AWS to deploy to.

Emulated: GitHub, the runner's tools, GitHub's identity provider (the role's trust policy is evaluated here),
attestations, the registry login and the build of the image. The commands of the checks and of dev's deployment are
replaced: their place in a run and the roles of dev are tested. Real: the steps' shell, make, the scripts, Terraform.
A job's commands share one process of the AWS provider. It has one region, so backups are not copied to another.
"""

import json
import os
import shutil
import ssl
import subprocess
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devtools.checkout import CHECKOUT
from devtools.images.store import ImageStore
from devtools.terraform.program import find_terraform
from rehearsal import deployment
from rehearsal.aws import REGION, assume_role, aws_client
from rehearsal.deployment import Deployment
from rehearsal.run import Run
from rehearsal.terraform import copy_configuration
from scripts.environment import running
from tests.support.github_api import SETTINGS, install_gh
from tests.support.github_tokens import Repository, claims_of_job, is_trusted
from tests.support.http import Client
from tests.support.provider import provider
from tests.support.workflows import REPOSITORY, SUCCESS, ActionError, Event, Job, Result, Runner, load

ENVIRONMENTS = ("staging", "prod")
_FOLDERS = (".github", "app", "db_bootstrap", "requirements", "scripts")
_FILES = (".dockerignore", ".gitignore", "CHANGELOG.md", "Dockerfile", "LICENSE", "Makefile", "ci.mk", "pyproject.toml")
_COPIED = (*_FOLDERS, *_FILES)
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_IN_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# Terraform and the provider compare the rules pair by pair, and by a type so large that five take half of a plan's CPU
# time. Prod has one of each kind, staging none; tests/edge.tftest.hcl in terraform/environment checks all five.
_SMALLER_FIREWALL = """locals {
  has_firewall  = var.requests_per_five_minutes_limit != null && endswith(var.context.name, "-prod")
  managed_rules = [{ group = "CommonRuleSet", blocks = true }]
}
"""
_GITHUB = Repository(REPOSITORY, "1001", "2002")  # as rehearsal/deployment.py names it


@dataclass
class Pipeline:
    """A repository and an account.

    Attributes:
        run: of the local AWS.
        origin: the git repository, where people commit.
        terraform: the account's root module.
        pushed: digests of images, in order.
        github: file of the emulated GitHub.
        asked: by release, set when its approval for prod is pending.
        answer: by release, what its approval for prod waits for; other approvals are given at once.
        is_attesting: False makes GitHub refuse attestations.
    """

    run: Run
    origin: Path
    terraform: Deployment
    pushed: list[str] = field(default_factory=list)
    github: str = ""
    asked: dict[str, threading.Event] = field(default_factory=lambda: defaultdict(threading.Event))
    answer: dict[str, threading.Event] = field(default_factory=dict)
    is_attesting: bool = True
    _deployments: dict[str, Deployment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._account = self.terraform.account.outputs()
        self.runner = Runner(
            workflows=load(CHECKOUT / ".github" / "workflows"),
            actions={
                "$/.github/actions/prepare": self._check_out,
                "actions/attest-build-provenance": self._attest,
                "aws-actions/amazon-ecr-login": _nothing,
                "aws-actions/configure-aws-credentials": self._assume_role,
                "docker/build-push-action": self._build_and_push,
                "docker/setup-buildx-action": _nothing,
            },
            variables=self._variables,
            machine=self._machine,
            approve=self._approve,
            folder=self.run.folder / "jobs",
            replace=_replaced,
        )

    def start(self, workflow: str, ref: str = "refs/heads/main", **inputs: str) -> Result:
        """Run a workflow for a branch or tag of the remote."""
        return self.runner.run(workflow, Event(ref, self.git("rev-parse", f"{ref}^{{commit}}"), inputs))

    def push(self) -> str:
        """Let main build its newest commit; return the image's digest."""
        result = self.start("main.yml")
        assert set(result.conclusions.values()) == {SUCCESS}, result.log
        return self.built(self.git("rev-parse", "main"))

    def built(self, tag: str) -> str:
        (image,) = self.aws("ecr").batch_get_image(repositoryName="taproom", imageIds=[{"imageTag": tag}])["images"]
        return str(image["imageId"]["imageDigest"])

    def release(self, version: str) -> Result:
        """Push a tag; return what came of the release that its workflow starts on main."""
        calls = self.run.folder / "gh.txt"
        before = len(calls.read_text()) if calls.exists() else 0
        started = self.start("tag.yml", f"refs/tags/{version}")
        assert started.conclusions == {"start": SUCCESS}, started.log
        assert f"workflow run release.yml --ref main --field tag={version}\n" in calls.read_text()[before:]
        return self.start("release.yml", tag=version, accept="", reason="")

    def roll_back(self, environment: str, digest: str) -> tuple[str, str]:
        """Run the rollback by hand; return its conclusion, and the end of the log unless it succeeded."""
        return self._deploy("rollback.yml", "rollback/", environment=environment, digest=digest)

    def deploy(self, environment: str, digest: str) -> tuple[str, str]:
        """Plan and deploy main's newest commit; return like ``roll_back``."""
        commit = self.git("rev-parse", "main")
        return self._deploy("plan-and-deploy.yml", "", environment=environment, digest=digest, commit=commit)

    def _deploy(self, workflow: str, prefix: str, **inputs: str) -> tuple[str, str]:
        result = self.start(workflow, **inputs)
        conclusion = result.conclusions[f"{prefix}deploy"]
        return conclusion, "" if conclusion == SUCCESS else list(result.log.values())[-1][-2000:]

    def summary(self, job: str) -> str:
        found = (self.run.folder / "jobs").glob(f"*-{job.replace('/', '-')}.summary")
        return max(found, key=lambda file: int(file.name.partition("-")[0])).read_text()

    def propose(self, head: str) -> Result:
        """Run the pull request workflow for main's newest commit, proposed from a repository."""
        payload = {"pull_request": {"number": 12, "head": {"repo": {"full_name": head}}}}
        event = Event("refs/pull/12/merge", self.git("rev-parse", "main"), payload=payload)
        return self.runner.run("pull-request.yml", event)

    def commit(self, files: Mapping[str, str], branch: str = "main") -> str:
        self.git("checkout", "--quiet", "-B", branch)
        for name, text in files.items():
            (self.origin / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        return git_in(self.origin, *arguments)

    def aws(self, service: str, variables: Mapping[str, str] | None = None) -> Any:
        """Return a client of the local AWS with a job's credentials, or with the administrator's."""
        given = {name.lower(): value for name, value in (variables or {}).items() if name in _CREDENTIALS}
        return aws_client(self.run, service, **given)

    def deployed(self, environment: str) -> str:
        """Return the digest of the image that an environment's service runs."""
        name = f"taproom-{environment}"
        return running(self.aws("ecs"), name, name).image.partition("@")[2]

    def deployment(self, environment: str) -> Deployment:
        """Return an environment's root module, initialized for Terraform runs that no workflow makes."""
        if environment not in self._deployments:
            made = Deployment(self.run, find_terraform()[0], environment, beside=self.terraform)
            made.init_environment()
            self._deployments[environment] = made
        return self._deployments[environment]

    def listener(self, environment: str, name: str) -> str | None:
        """Return the local address of a listener, such as ``HTTPS:443``; None before it exists."""
        listeners = self.run.ask("status")["services"]["elbv2"]["listeners"]
        url_by_name = {(entry["load_balancer"], entry["listener"]): str(entry["url"]) for entry in listeners}
        return url_by_name.get((f"taproom-{environment}", name))

    def client(self, environment: str) -> Client:
        return Client(str(self.listener(environment, "HTTPS:443")), ca_file=self._authority)

    @property
    def _authority(self) -> Path:
        return self.run.authority / "ca.pem"

    def _check_out(self, job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
        if _is_check(job):
            return {}
        git_in(self.origin.parent, "clone", "--quiet", str(self.origin), str(job.folder))
        git_in(job.folder, "checkout", "--quiet", "--detach", given.get("ref") or job.event.commit)
        (job.folder / ".venv").symlink_to(CHECKOUT / ".venv")
        (job.folder / "build").mkdir()
        (job.folder / "build" / "function-packages").symlink_to(CHECKOUT / "build" / "function-packages")
        for path in (job.folder / "scripts", job.folder / "requirements"):
            for file in path.iterdir():
                os.utime(file, (0, 0))  # older than .venv, so that make takes it for ready
        return {}

    def _assume_role(self, job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
        """Give the job the role's credentials if the role trusts the token that GitHub would issue for the job."""
        assert job.permissions["id-token"] == "write"
        arn = given["role-to-assume"]
        trust = self.aws("iam").get_role(RoleName=arn.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]
        event = "pull_request" if "pull_request" in job.event.payload else "push"
        claims = claims_of_job(_GITHUB, job.file, ref=job.event.ref, event=event, environment=job.environment)
        if not is_trusted(trust, claims):
            raise ActionError("Not authorized to perform sts:AssumeRoleWithWebIdentity")
        role = assume_role(self.run, arn)
        job.variables |= {"AWS_REGION": given["aws-region"], **{name.upper(): value for name, value in role.items()}}
        if arn != self._account["build_role_arn"] and not _is_of_dev(job):
            environment, root = {**self._machine(job), **job.variables}, job.folder / "terraform" / "environment"
            started = provider(self.terraform.account.root, environment, root, job.folder.with_suffix(".provider.log"))
            job.variables["TF_REATTACH_PROVIDERS"] = job.at_end.enter_context(started)
        return {}

    def _build_and_push(self, job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
        assert (given["push"], given["platforms"]) == ("true", "linux/arm64")
        digest = ImageStore(self.run.images).build(job.folder, job.folder / "build" / "rds-ca.pem")
        repository, _, tag = given["tags"].rpartition(":")
        annotations = dict(line.removeprefix("index:").split("=", 1) for line in given["annotations"].splitlines())
        manifest = {"mediaType": _MANIFEST, "config": {"digest": digest}, "annotations": annotations}
        self.aws("ecr", job.variables).put_image(
            repositoryName=repository.partition("/")[2],
            imageTag=tag,
            imageDigest=digest,
            imageManifest=json.dumps(manifest),
        )
        self.pushed.append(digest)
        return {"digest": digest}

    def _attest(self, job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
        assert (job.permissions["attestations"], job.permissions["id-token"]) == ("write", "write")
        if not self.is_attesting:
            raise ActionError("GitHub answered 503")
        with (self.run.folder / "gh.txt.attested").open("a") as attested:
            attested.write(f"{given['subject-digest']}\n")
        return {}

    def _approve(self, job: Job) -> bool:
        release = job.event.inputs.get("tag", "")
        if job.environment == "prod" and release in self.answer:
            self.asked[release].set()
            assert self.answer[release].wait(1200)
        return True

    def _variables(self, environment: str) -> Mapping[str, str]:
        if environment:
            return {"AWS_DEPLOY_ROLE_ARN": self._account["deploy_role_arns"][environment]}
        return {
            "AWS_BUILD_ROLE_ARN": self._account["build_role_arn"],
            "AWS_DRIFT_ROLE_ARN": self._account["drift_role_arn"],
            "AWS_PLAN_ROLE_ARN": self._account["plan_role_arn"],
            "AWS_REGION": REGION,
            "AWS_RELEASE_PLAN_ROLE_ARN": self._account["release_plan_role_arn"],
            "IMAGE_REPOSITORY": self._account["image_repository_url"],
            "STATE_BUCKET": self._account["state_bucket_name"],
        }

    def _machine(self, job: Job) -> Mapping[str, str]:
        url = self.listener(job.environment, "HTTPS:443") if job.environment else None
        return {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": str(self.run.endpoint),
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "GITHUB_STATE": self.github,
            "CALLS": str(self.run.folder / "gh.txt"),
            "NO_PROXY": "127.0.0.1",
            "PATH": f"{self.run.folder / 'bin'}:{Path(find_terraform()[0]).parent}:{os.environ['PATH']}",
            "RDS_CA_FILE": str(self._authority),
            "SSL_CERT_FILE": str(self.run.folder / "trusted.pem"),
            "TF_CLI_ARGS_init": "-backend-config=use_path_style=true",
            "TF_CLI_CONFIG_FILE": str(self.run.folder / "terraform.rc"),
            **({"SERVICE_URL": url} if url else {}),
        }


def pipeline_on(run: Run) -> Pipeline:
    """Return a repository with the project's files and an applied account with a hosted zone; no environment yet."""
    program, _ = find_terraform()
    run.take_ports(None)
    deployment.build(run)
    deployment.start_local_aws(run)
    terraform = Deployment(run, program)
    terraform.apply_account(lambda _note: None)
    zones = aws_client(run, "route53")
    zones.create_hosted_zone(Name="example.com", CallerReference="rehearsal")
    # A job also trusts the authority that signed the load balancers' certificates.
    system = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    known = Path(system).read_text() if system else ""
    (run.folder / "trusted.pem").write_text(known + (run.authority / "ca.pem").read_text())
    origin = run.folder / "origin"
    copy_project(origin)
    (run.folder / "bin").mkdir()
    install_gh(run.folder / "bin")
    return Pipeline(run, origin, terraform)


def copy_project(origin: Path) -> None:
    """Make a git repository of the project's files, adapted to the local AWS."""
    origin.mkdir()
    for name in _COPIED:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, origin / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, origin / name)
    (origin / ".github" / "settings.yml").write_text(SETTINGS)
    copy_configuration(origin / "terraform")
    (origin / "terraform" / "modules" / "edge" / "test_override.tf").write_text(_SMALLER_FIREWALL)
    git_in(origin, "init", "--quiet", "--initial-branch=main")


def git_in(folder: Path, *arguments: str) -> str:
    """Run git in a folder, as a person without a configuration of theirs; return its output."""
    command = ["git", "-c", "user.name=Example", "-c", "user.email=person@example.com", *arguments]
    given = {**os.environ, **_IN_GIT}
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _is_check(job: Job) -> bool:
    return job.name.startswith("checks/")


def _is_of_dev(job: Job) -> bool:
    return job.name.startswith("dev/")


def _replaced(job: Job, command: str) -> Mapping[str, str] | None:
    """Replace the commands of the checks, and of dev's deployment, which staging and prod run for real."""
    if _is_check(job) or (_is_of_dev(job) and "make " in command):
        return {"digest": "sha256:" + "0" * 64}
    return None


def _nothing(_job: Job, _given: Mapping[str, str]) -> Mapping[str, str]:
    return {}
