"""The project's pipeline on this machine: its workflows, a git remote, and a local AWS to deploy to.

Stood in for: GitHub, the runner's tools, GitHub's identity provider (the role's trust policy is judged here), the
registry login and the build of the image. Real: the steps' shell, make, the scripts, Terraform, and what they meet.
"""

import json
import os
import re
import shutil
import subprocess
import threading
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
from tests.support.workflows import REPOSITORY, Event, Job, Result, Runner, load

ENVIRONMENTS = ("staging", "prod")
_COPIED = (
    "app",
    "db_bootstrap",
    "rehearsal",
    "requirements",
    "scripts",
    "CHANGELOG.md",
    "Dockerfile",
    "Makefile",
    "ci.mk",
)
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_IN_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Pipeline:
    """A repository and an account.

    Attributes:
        run: of the local AWS.
        origin: the git repository, where people commit.
        account: outputs of terraform/account.
        story: what happened, in order: (run's ref, job, what).
        at_approval: what staging and prod ran when somebody was asked to approve, by environment.
        github: address of what stands in for GitHub's API.
        approves: whether whoever is asked to approve says yes, by environment.
    """

    run: Run
    origin: Path
    account: Mapping[str, Any]
    story: list[tuple[str, str, str]] = field(default_factory=list)
    at_approval: dict[str, dict[str, str]] = field(default_factory=dict)
    github: str = ""
    approves: dict[str, bool] = field(default_factory=dict)
    asked: threading.Event = field(default_factory=threading.Event)
    answer: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.answer.set()
        nothing = dict.fromkeys(("actions/setup-python", "docker/setup-buildx-action"), _nothing)
        self.runner = Runner(
            workflows=load(CHECKOUT / ".github" / "workflows"),
            actions={
                **nothing,
                "actions/attest-build-provenance": self._attest,
                "actions/checkout": self._check_out,
                "aws-actions/amazon-ecr-login": _nothing,
                "aws-actions/configure-aws-credentials": self._assume_role,
                "docker/build-push-action": self._build_and_push,
                "hashicorp/setup-terraform": _nothing,
            },
            variables=self._variables,
            machine=self._machine,
            approve=self._approve,
            folder=self.run.folder / "jobs",
            without=frozenset({"checks", "dev"}),
        )

    def start(self, workflow: str, ref: str, **inputs: str) -> Result:
        """Run a workflow for a branch or tag of the remote."""
        return self.runner.run(workflow, Event(ref, self.git("rev-parse", f"{ref}^{{commit}}"), inputs))

    def propose(self, head: str) -> Result:
        """Run what a pull request from a repository runs, for main's newest commit."""
        payload = {"pull_request": {"number": 12, "head": {"repo": {"full_name": head}}}}
        event = Event("refs/pull/12/merge", self.git("rev-parse", "main"), payload=payload)
        return self.runner.run("pull-request.yml", event)

    def commit(self, files: Mapping[str, str], branch: str = "main") -> str:
        """Commit files; the commit."""
        self.git("checkout", "--quiet", "-B", branch)
        for name, text in files.items():
            (self.origin / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """What git says in the remote."""
        who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
        return _git(self.origin, *who, *arguments)

    def aws(self, service: str, variables: Mapping[str, str] | None = None) -> Any:
        """Return a client of the local AWS with a job's credentials, or with the administrator's."""
        given = {name.lower(): value for name, value in (variables or {}).items() if name in _CREDENTIALS}
        return aws_client(self.run.endpoint, service, **given)

    def deployed(self, environment: str) -> str:
        """Digest of the image that an environment's service runs."""
        ecs = self.aws("ecs")
        (service,) = ecs.describe_services(cluster=f"taproom-{environment}", services=[f"taproom-{environment}"])[
            "services"
        ]
        definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        return str(definition["containerDefinitions"][0]["image"].partition("@")[2])

    def url(self, environment: str) -> str | None:
        """Where the load balancer of an environment listens; none before there is one."""
        listeners = self.run.ask("status")["services"]["elbv2"]["listeners"]
        return next((entry["url"] for entry in listeners if entry["load_balancer"] == f"taproom-{environment}"), None)

    def _check_out(self, job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
        assert given["persist-credentials"] == "false"
        _git(self.origin.parent, "clone", "--quiet", str(self.origin), str(job.folder))
        _git(job.folder, "checkout", "--quiet", "--detach", job.event.commit)
        (job.folder / ".venv").symlink_to(CHECKOUT / ".venv")
        (job.folder / "build").mkdir()
        (job.folder / "build" / "function-packages").symlink_to(CHECKOUT / "build" / "function-packages")
        for path in (job.folder / "scripts", job.folder / "requirements"):
            for file in path.iterdir():
                os.utime(file, (0, 0))  # older than .venv, so that make takes it for ready
        return {}

    def _assume_role(self, job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
        """Give the job the role's credentials if the role trusts what GitHub would say of the job."""
        assert job.permissions["id-token"] == "write"
        iam = self.aws("iam")
        name = given["role-to-assume"].rpartition("/")[2]
        (statement,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
        outside = "pull_request" if job.event.payload else f"ref:{job.event.ref}"
        subject = f"environment:{job.environment}" if job.environment else outside
        trusted = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
        assert trusted == f"repo:{REPOSITORY}:{subject}"
        role = assume_role(self.run.endpoint, given["role-to-assume"])
        job.variables |= {"AWS_REGION": given["aws-region"], **{name.upper(): value for name, value in role.items()}}
        return {}

    def _build_and_push(self, job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
        assert (given["push"], given["platforms"]) == ("true", "linux/arm64")
        digest = ImageStore(self.run.images).build(job.folder, job.folder / "build" / "rds-ca.pem")
        repository, _, tag = given["tags"].rpartition(":")
        self.aws("ecr", job.variables).put_image(
            repositoryName=repository.partition("/")[2],
            imageTag=tag,
            imageDigest=digest,
            imageManifest=json.dumps({"mediaType": _MANIFEST, "config": {"digest": digest}}),
        )
        self._tell(job, f"pushed {digest}")
        return {"digest": digest}

    def _attest(self, job: Job, given: Mapping[str, str]) -> Mapping[str, str]:
        assert given["subject-digest"].startswith("sha256:")
        assert (job.permissions["attestations"], job.permissions["id-token"]) == ("write", "write")
        return {}

    def _approve(self, job: Job) -> bool:
        self._tell(job, "asked")
        if job.environment == "prod" and self.url("prod"):
            self.at_approval[job.environment] = {name: self.deployed(name) for name in ENVIRONMENTS}
            self.asked.set()
            assert self.answer.wait(300)
        return self.approves.get(job.environment, True)

    def _tell(self, job: Job, what: str) -> None:
        self.story.append((job.event.ref.rpartition("/")[2], job.name, what))

    def _variables(self, environment: str) -> Mapping[str, str]:
        if environment:
            return {"AWS_DEPLOY_ROLE_ARN": self.account["deploy_role_arns"][environment]}
        return {
            "AWS_BUILD_ROLE_ARN": self.account["build_role_arn"],
            "AWS_DRIFT_ROLE_ARN": self.account["drift_role_arn"],
            "AWS_PLAN_ROLE_ARN": self.account["plan_role_arn"],
            "AWS_REGION": REGION,
            "IMAGE_REPOSITORY": self.account["image_repository_url"],
            "STATE_BUCKET": self.account["state_bucket_name"],
        }

    def _machine(self, job: Job) -> Mapping[str, str]:
        url = self.url(job.environment) if job.environment else None
        return {
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": str(self.run.endpoint),
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "GITHUB_API_URL": self.github,
            "CALLS": str(self.run.folder / "gh.txt"),
            "NO_PROXY": "127.0.0.1",
            "PATH": f"{self.run.folder / 'bin'}:{Path(find_terraform()[0]).parent}:{os.environ['PATH']}",
            "RDS_CA_FILE": str(self.run.authority / "ca.pem"),
            "TF_CLI_ARGS_init": "-backend-config=use_path_style=true",
            "TF_CLI_CONFIG_FILE": str(self.run.folder / "terraform.rc"),
            **({"SERVICE_URL": url} if url else {}),
        }


def pipeline_on(run: Run) -> Pipeline:
    """A repository with the project's files and an applied account; no environment yet."""
    program, _ = find_terraform()
    run.take_ports(None)
    deployment.build(run)
    deployment.start_local_aws(run)
    terraform = Deployment(run, program)
    terraform.apply_account(lambda _note: None)
    origin = run.folder / "origin"
    origin.mkdir()
    for name in _COPIED:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, origin / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, origin / name)
    copy_configuration(origin / "terraform")
    # Both in the shape of dev: what is tried here is the way there, not what is there.
    variables = (CHECKOUT / "terraform" / "environment" / "dev.tfvars").read_text()
    variables = re.sub(r"^service_spot_percent .*\n", "", variables, flags=re.MULTILINE)  # which prod refuses
    for number, name in enumerate(ENVIRONMENTS):
        own = variables.replace('"dev"', f'"{name}"', 1) + f'vpc_cidr = "10.{30 + number}.0.0/16"\n'
        (origin / "terraform" / "environment" / f"{name}.tfvars").write_text(own)
    (origin / ".gitignore").write_text(".venv\nbuild\n.terraform\n*.tfplan\n__pycache__\n")
    _git(origin, "init", "--quiet", "--initial-branch=main")
    (run.folder / "bin").mkdir()
    gh = run.folder / "bin" / "gh"
    gh.write_text('#!/bin/sh\necho "$*" >> "$CALLS"\ncat build/release-notes.md >> "$CALLS"\n')
    gh.chmod(0o755)
    return Pipeline(run, origin, terraform.account.outputs())


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **_IN_GIT}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _nothing(_job: Job, _given: Mapping[str, str]) -> Mapping[str, str]:
    return {}
