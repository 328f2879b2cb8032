"""Run the real Terraform on a copy of the project's configuration.

The copy differs from the original by one generated file a root module, one for buckets, and one for databases: bucket
names go into paths, because no DNS answers for them here, buckets may be destroyed with what is in them, and databases
get RDS's default certificate authority. Everything else that Terraform needs to find the local AWS goes through
environment variables, as it would through a person's shell.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from devtools.processes import ProcessRegister
from rehearsal.aws import REGION
from rehearsal.progress import Progress

_PATH_STYLE = 'provider "aws" {\n  s3_use_path_style = true\n}\n'
_OVERRIDES = {
    "environment": _PATH_STYLE,
    "account": _PATH_STYLE,
    # With one, Terraform modifies each new instance, and waits more than a minute before it asks for the result.
    "modules/database": 'resource "aws_db_instance" "this" {\n  ca_cert_identifier = null\n}\n',
    # In an account the states outlive what they describe; here they go with it.
    "modules/bucket": 'resource "aws_s3_bucket" "this" {\n  force_destroy = true\n}\n',
}
_NOT_COPIED = (".terraform", "*.tfstate*", "*.tfplan", "backend.tf", "*.auto.tfvars*")
_OF_AN_ACCOUNT = re.compile(r"^(domain_name|dns_zone_name|database_backup_copy_region) .*\n?", re.MULTILINE)
DOMAINS = {"staging": "beers.staging.example.com", "prod": "beers.example.com"}  # of the local AWS
_POLL_SECONDS = 0.1
_CHANGES_EXIT_CODE = 2
_PLAN_FILE = "rehearsal.tfplan"


class TerraformError(UserError):
    """Terraform ended with an error; the message is Terraform's own."""


class Terraform:
    """One root module of the copy.

    Args:
        program: Terraform's path.
        root: the root module's folder in the copy.
        endpoint: the local AWS's address.
        processes: where Terraform is registered while it runs.
        logs: the folder for its logs.
        cli_config: Terraform's own settings file, see `devtools.terraform.providers`.
        credentials: that it acts with, as arguments of ``aws_client``.

    Attributes:
        stop_seconds: time to stop when it is interrupted. Its state is then not saved, so it must be
            long enough if what it changes stays.
    """

    def __init__(
        self,
        program: str,
        root: Path,
        *,
        endpoint: str,
        processes: ProcessRegister,
        logs: Path,
        cli_config: Path,
        credentials: Mapping[str, str],
    ) -> None:
        self.root = root
        self._program = program
        self._processes = processes
        self._logs = logs
        self.stop_seconds: float = 1
        keys = {name.upper(): value for name, value in credentials.items()}
        self._environment = {**_environment(endpoint, cli_config), **keys}

    def init(self, backend: Mapping[str, str]) -> None:
        """Prepare the root module; the lock file is obeyed, never rewritten."""
        options = [f"-backend-config={name}={value}" for name, value in backend.items()]
        self._run("init", ["-input=false", "-reconfigure", "-lockfile=readonly", "-no-color", *options])

    def apply(
        self,
        variables: Mapping[str, object],
        report: Callable[[str], None],
        var_file: str | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Make the local AWS what the configuration says.

        Raises:
            TerraformError: with every error that Terraform named.
        """
        self._apply("apply", ["-auto-approve", *options, *_variable_options(variables, var_file)], report)

    def destroy(
        self, variables: Mapping[str, object], report: Callable[[str], None], var_file: str | None = None
    ) -> None:
        """Remove all that the state names."""
        self._apply("destroy", ["-auto-approve", *_variable_options(variables, var_file)], report)

    def plan(self, variables: Mapping[str, object], var_file: str | None = None) -> dict[str, Any] | None:
        """The plan as JSON when there is something to change, else none."""
        options = [*_variable_options(variables, var_file), "-detailed-exitcode", "-input=false", "-no-color"]
        code = self._run("plan", [*options, f"-out={_PLAN_FILE}"], allowed=(0, _CHANGES_EXIT_CODE))
        return dict(json.loads(self._capture("show", "-json", _PLAN_FILE))) if code == _CHANGES_EXIT_CODE else None

    def apply_planned(self, report: Callable[[str], None]) -> None:
        """Carry out the last plan as it was shown.

        Raises:
            TerraformError: with every error that Terraform named.
        """
        self._apply("apply", [_PLAN_FILE], report)

    def outputs(self) -> dict[str, Any]:
        """The root module's outputs by name."""
        return {name: output["value"] for name, output in json.loads(self._capture("output", "-json")).items()}

    def applied_outputs(self) -> dict[str, Any]:
        """The outputs of the last apply by this class, without asking Terraform; empty before the first."""
        kept = self._log("outputs")
        return dict(json.loads(kept.read_text())) if kept.exists() else {}

    def state(self) -> str:
        """The raw state, as it is stored."""
        return self._capture("state", "pull")

    def put_state(self, state: str) -> None:
        """Store a state that was read before, and which describes what there is again."""
        self._capture("state", "push", "-force", "-", text=state)

    def _apply(self, command: str, arguments: list[str], report: Callable[[str], None]) -> None:
        progress = Progress()

        def follow(line: str) -> None:
            progress.read(line)
            report(progress.summary)

        code = self._run(command, ["-json", "-input=false", *arguments], follow=follow, allowed=None)
        if code != 0:
            raise TerraformError(
                f"terraform {command} failed in {self.root.name}.\n\n"
                + "\n\n".join(progress.errors or [self._reason(command, code)])
            )
        self._log("outputs").write_text(json.dumps(progress.outputs))
        report(f"{progress.finished} changes")

    def _run(
        self,
        command: str,
        options: list[str],
        *,
        follow: Callable[[str], None] = lambda _line: None,
        allowed: tuple[int, ...] | None = (0,),
    ) -> int:
        log = self._log(command)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.unlink(missing_ok=True)
        child = self._processes.start([self._program, command, *options], env=self._environment, cwd=self.root, log=log)
        try:
            _follow(log, child, follow)
        except BaseException:
            self._processes.stop(child, self.stop_seconds)
            raise
        if allowed is not None and child.returncode not in allowed:
            raise TerraformError(
                f"terraform {command} failed in {self.root.name}.\n\n{self._reason(command, child.returncode)}"
            )
        return child.returncode

    def _capture(self, *arguments: str, text: str | None = None) -> str:
        done = subprocess.run(
            [self._program, *arguments],
            env=self._environment,
            cwd=self.root,
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise TerraformError(f"terraform {arguments[0]} failed in {self.root.name}.\n\n{done.stderr.strip()}")
        return done.stdout

    def _log(self, command: str) -> Path:
        return self._logs / f"terraform-{self.root.name}-{command}.log"

    def _reason(self, command: str, code: int) -> str:
        if code < 0:
            return f"It was ended by {signal.Signals(-code).name}."
        return "\n".join(self._log(command).read_text(errors="replace").splitlines()[-40:])


def copy_configuration(destination: Path, source: Path = CHECKOUT / "terraform") -> None:
    """Copy the project's configuration, keeping what Terraform has put into the copy before, and the copy's variables.

    Left out are the files of a real account: its backend, and its variables. Its domains are replaced.
    """
    for path in sorted(destination.rglob("*"), reverse=True):
        kept = ".terraform" in path.parts or ".tfstate" in path.name or path.name.endswith(".auto.tfvars")
        if not kept and path.is_file():
            path.unlink()
    shutil.copytree(source, destination, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_NOT_COPIED))
    for folder, override in _OVERRIDES.items():
        (destination / folder / "rehearsal_override.tf").write_text(override)
    for file in (destination / "environment").glob("*.tfvars"):
        if not file.name.endswith(".auto.tfvars"):
            domain = DOMAINS.get(file.stem)
            named = f'\ndomain_name = "{domain}"\ndns_zone_name = "example.com"\n' if domain else ""
            file.write_text(_OF_AN_ACCOUNT.sub("", file.read_text()) + named)


def configuration_digest(configuration: Path, root: str, variables: Mapping[str, object]) -> str:
    """Return a digest of a root module, the modules that it can call and the account's variables.

    Files that Terraform itself has put into the copy are left out.
    """
    digest = hashlib.sha256(json.dumps(variables).encode())
    for folder in (configuration / root, configuration / "modules"):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and ".terraform" not in path.parts and ".tfstate" not in path.name:
                digest.update(f"{path.relative_to(configuration)}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _environment(endpoint: str, cli_config: Path) -> dict[str, str]:
    kept = ("PATH", "HOME", "TMPDIR", "GOGC", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"])),
        "TF_CLI_CONFIG_FILE": str(cli_config),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }


def _variable_options(variables: Mapping[str, object], var_file: str | None) -> list[str]:
    options = [f"-var-file={var_file}"] if var_file else []
    for name, value in variables.items():
        options.append(f"-var={name}={value if isinstance(value, str) else json.dumps(value)}")
    return options


def _follow(log: Path, child: subprocess.Popen[bytes], line_seen: Callable[[str], None]) -> None:
    """Hand every line of a growing log on until the child has ended."""
    rest = ""
    with log.open(errors="replace") as file:
        while True:
            ended = child.poll() is not None
            *lines, rest = (rest + file.read()).split("\n")
            for line in lines:
                line_seen(line)
            if ended:
                return
            time.sleep(_POLL_SECONDS)
