"""The project's pipeline on this machine: its workflows, a git remote, and a local AWS to deploy to.

Emulated: GitHub, the runner's tools, GitHub's identity provider (the role's trust policy is evaluated here), the
registry login and the build of the image. Real: the steps' shell, make, the scripts, Terraform, and their results.
"""

import json
import os
import shutil
import ssl
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
from tests.support.github_api import install_gh
from tests.support.http import Client
from tests.support.workflows import REPOSITORY, SUCCESS, Event, Job, Result, Runner, load

ENVIRONMENTS = ("staging", "prod")
_COPIED = ("app", "db_bootstrap", "requirements", "scripts", "CHANGELOG.md", "Dockerfile", "Makefile", "ci.mk")
_CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_IN_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@dataclass
class Pipeline:
    """A repository and an account.

    Attributes:
        run: of the local AWS.
        origin: the git repository, where people commit.
        terraform: the account's root module.
        story: what happened, in order: (run's ref, job, event).
        github: file of the emulated GitHub.
        refused: branches and tags for which an approval of prod is refused.
        asked: set when an approval of prod is pending.
        answer: approvals of prod wait for it.
    """

    run: Run
    origin: Path
    terraform: Deployment
    story: list[tuple[str, str, str]] = field(default_factory=list)
    github: str = ""
    refused: set[str] = field(default_factory=set)
    asked: threading.Event = field(default_factory=threading.Event)
    answer: threading.Event = field(default_factory=threading.Event)
    _deployments: dict[str, Deployment] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.answer.set()
        self._account = self.terraform.account.outputs()
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

    def push(self) -> str:
        """Let main build its newest commit; return the image's digest."""
        result = self.start("main.yml", "refs/heads/main")
        assert result.conclusions["image"] == SUCCESS, result.log
        return self.story[-1][2].removeprefix("pushed ")

    def roll_back(self, environment: str, digest: str) -> tuple[str, str]:
        """Run the rollback by hand; return its conclusion, and the end of the log unless it succeeded."""
        result = self.start("rollback.yml", "refs/heads/main", environment=environment, digest=digest)
        succeeded = result.conclusions["rollback"] == SUCCESS
        return result.conclusions["rollback"], "" if succeeded else result.log["rollback/deploy"][-2000:]

    def propose(self, head: str) -> Result:
        """Run the pull request workflow for main's newest commit, proposed from a repository."""
        payload = {"pull_request": {"number": 12, "head": {"repo": {"full_name": head}}}}
        event = Event("refs/pull/12/merge", self.git("rev-parse", "main"), payload=payload)
        return self.runner.run("pull-request.yml", event)

    def commit(self, files: Mapping[str, str], branch: str = "main") -> str:
        """Commit files; return the commit."""
        self.git("checkout", "--quiet", "-B", branch)
        for name, text in files.items():
            (self.origin / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return self.git("rev-parse", "HEAD")

    def git(self, *arguments: str) -> str:
        """Run git in the remote; return its output."""
        who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.com"]
        return _git(self.origin, *who, *arguments)

    def aws(self, service: str, variables: Mapping[str, str] | None = None) -> Any:
        """Return a client of the local AWS with a job's credentials, or with the administrator's."""
        given = {name.lower(): value for name, value in (variables or {}).items() if name in _CREDENTIALS}
        return aws_client(self.run, service, **given)

    def deployed(self, environment: str) -> str:
        """Return the digest of the image that an environment's service runs."""
        ecs = self.aws("ecs")
        (service,) = ecs.describe_services(cluster=f"taproom-{environment}", services=[f"taproom-{environment}"])[
            "services"
        ]
        definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        return str(definition["containerDefinitions"][0]["image"].partition("@")[2])

    def deployment(self, environment: str) -> Deployment:
        """Return an environment's root module, initialised for Terraform runs that no workflow makes."""
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
        """Return a client of an environment's service."""
        return Client(str(self.listener(environment, "HTTPS:443")), ca_file=self._authority)

    @property
    def _authority(self) -> Path:
        return self.run.authority / "ca.pem"

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
        """Give the job the role's credentials if the role trusts the subject that GitHub would send for the job."""
        assert job.permissions["id-token"] == "write"
        iam = self.aws("iam")
        name = given["role-to-assume"].rpartition("/")[2]
        (statement,) = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]["Statement"]
        outside = "pull_request" if job.event.payload else f"ref:{job.event.ref}"
        subject = f"environment:{job.environment}" if job.environment else outside
        trusted = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
        assert trusted == f"repo:{REPOSITORY}:{subject}"
        role = assume_role(self.run, given["role-to-assume"])
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
        if job.environment != "prod":
            return True
        self.asked.set()
        assert self.answer.wait(300)
        return job.event.ref.rpartition("/")[2] not in self.refused

    def _tell(self, job: Job, what: str) -> None:
        self.story.append((job.event.ref.rpartition("/")[2], job.name, what))

    def _variables(self, environment: str) -> Mapping[str, str]:
        if environment:
            return {"AWS_DEPLOY_ROLE_ARN": self._account["deploy_role_arns"][environment]}
        return {
            "AWS_BUILD_ROLE_ARN": self._account["build_role_arn"],
            "AWS_DRIFT_ROLE_ARN": self._account["drift_role_arn"],
            "AWS_PLAN_ROLE_ARN": self._account["plan_role_arn"],
            "AWS_REGION": REGION,
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
    origin.mkdir()
    for name in _COPIED:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, origin / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, origin / name)
    copy_configuration(origin / "terraform")
    (origin / ".gitignore").write_text(".venv\nbuild\n.terraform\n*.tfplan\n__pycache__\n")
    _git(origin, "init", "--quiet", "--initial-branch=main")
    (run.folder / "bin").mkdir()
    install_gh(run.folder / "bin")
    return Pipeline(run, origin, terraform)


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **_IN_GIT}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _nothing(_job: Job, _given: Mapping[str, str]) -> Mapping[str, str]:
    return {}
