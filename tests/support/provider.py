"""One process of Terraform's AWS provider for many commands: to verify and start it is half of a short one's CPU."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from devtools.processes import ProcessRegister
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from rehearsal.terraform import Terraform

_REATTACH = re.compile(r"TF_REATTACH_PROVIDERS='(.+)'\n")
# With -debug it logs each call, megabytes for each command.
_QUIET = dict.fromkeys(("TF_LOG_PROVIDER", "TF_LOG_SDK", "TF_LOG_SDK_FRAMEWORK", "TF_LOG_SDK_PROTO"), "off")


@contextmanager
def provider(initialized: Path, environment: Mapping[str, str], root: Path, log: Path) -> Iterator[str]:
    """Run the AWS provider; yield the value of TF_REATTACH_PROVIDERS with which Terraform uses it.

    Args:
        initialized: a root module whose provider is run.
        environment: its variables, with the credentials of every command that uses it.
        root: the root module that it serves, for relative paths, which it opens.
        log: its output. The adjacent register names the process while it runs.
    """
    (program,) = initialized.glob(".terraform/providers/*/hashicorp/aws/*/*/terraform-provider-aws*")
    processes = ProcessRegister(log.parent / "provider" / "processes.jsonl")
    process = processes.start([str(program), "-debug"], env={**environment, **_QUIET}, cwd=root, log=log)
    try:
        wait_until(lambda: _REATTACH.search(log.read_text()), "the AWS provider")
        yield _REATTACH.findall(log.read_text())[-1]
    finally:
        processes.stop(process, grace_seconds=10)


@contextmanager
def with_one_provider(terraform: "Terraform") -> Iterator[str]:
    """Let an initialized root module's commands share a provider, which has one region; yield like ``provider``."""
    variables = terraform._environment
    with provider(terraform.root, variables, terraform.root, terraform._logs / "provider.log") as found:
        variables["TF_REATTACH_PROVIDERS"] = found
        try:
            yield found
        finally:
            del variables["TF_REATTACH_PROVIDERS"]
