"""A temporary environment to prove: the configuration of another one with dev's sizes, destroyed afterwards."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from scripts.deployment import plan
from scripts.environment import PROJECT, ROOT, CommandError, RefusedError, in_foreground, running, terraform
from scripts.prove.claim import FAILURES
from scripts.prove.target import prepare

NAME = "prove"
MINUTES = 30  # to create and to destroy it
ABOUT = f"""\
Creates {PROJECT}-{NAME} from the configuration of {{base}} in this checkout, its image (or IMAGE) and the sizes of
dev.tfvars, without domain, firewall and subscribers to alarms, and destroys it at the end, also after a failure or
Ctrl-C. Changes no other environment. Needs an administrator's credentials, but nothing new in terraform/account: the
permissions boundary is a copy of that of {{base}}."""
REMOVAL = f"Destroys {PROJECT}-{NAME}, which a proof of {{base}} left. Changes no other environment."
_INPUTS = f"""\
environment                     = "{NAME}"
is_temporary                    = true
domain_name                     = null
dns_zone_name                   = null
certificate_arn                 = null
requests_per_five_minutes_limit = null
database_backup_copy_region     = null
database_restore                = null
database_former_instances       = []
service_schedules               = {{}}
alarm_emails                    = []
alarm_topic_arns                = []
"""
# Instead of the one that terraform/account makes for an environment that it knows; without the database's resource ID.
_BOUNDARY = r"""
data "aws_iam_policy" "base" {
  arn = "arn:${local.partition}:iam::${local.account_id}:policy/${var.project_name}-BASE-boundary"
}

resource "aws_iam_policy" "boundary" {
  name   = "${local.name}-boundary"
  policy = replace(replace(local.renamed, "\"BASE\"", jsonencode(var.environment)), "/:dbuser:[^\"/]+/", ":dbuser:*")
}

locals {
  renamed = replace(data.aws_iam_policy.base.policy, "${var.project_name}-BASE", local.name)
}
"""


def variables(base: str, folder: Path) -> dict[str, str]:
    """Copy Terraform's configuration into a folder; return the settings to prove it as the temporary environment.

    Raises:
        CommandError: a file is missing, or another environment has the name.
    """
    sizes, package = ROOT / "dev.tfvars", {"TF_VAR_database_bootstrap_package": str(plan.PACKAGE)}
    if missing := [str(file) for file in (ROOT / f"{base}.tfvars", sizes, plan.PACKAGE) if not file.exists()]:
        raise CommandError(f"{', '.join(missing)} is missing. `make package` makes the zip.")
    if (ROOT / f"{NAME}.tfvars").exists():
        raise CommandError(f"{NAME} is the name of the temporary environment. Rename {NAME}.tfvars.")
    root = folder / "terraform" / "environment"
    shutil.rmtree(root.parent, ignore_errors=True)
    for source in (ROOT, ROOT.parent / "modules"):
        shutil.copytree(source, root.parent / source.name, ignore=shutil.ignore_patterns(".terraform", "tests"))
    # Terraform reads these in this order, and then the file of the environment's name.
    for number, file in enumerate((ROOT / f"{base}.tfvars", sizes)):
        shutil.copy(file, root / f"{number}.auto.tfvars")
    (root / f"{NAME}.tfvars").write_text(_INPUTS)
    account = (root / "account.tf").read_text() + _BOUNDARY.replace("BASE", base)
    (root / "account.tf").write_text(re.sub("(_boundary_arn +=).*", r"\1 aws_iam_policy.boundary.arn", account))
    return {"CONFIGURED_LIKE": base, "ENVIRONMENT": NAME, "TERRAFORM_ROOT": str(root), **package}


@contextmanager
def lifetime(base: str, settings: Mapping[str, str], leftovers: list[str]) -> Iterator[None]:
    """Create the environment, unless it is only to be removed; after the block destroy it, and list what is left.

    It has a separate state; Terraform never opens that of another environment.

    Raises:
        CommandError: it exists already, a setting or an image is missing, or Terraform failed.
    """
    _, region = prepare(NAME, settings)
    image = settings.get("IMAGE") or running(boto3.client("ecs", region_name=region), *2 * [f"{PROJECT}-{base}"]).image
    inputs, file = plan.Target(NAME, region, image, "", {}), ROOT / "prove.tfplan"
    ranges = plan.ranges_option(inputs, {"CLIENT_CIDR_BLOCKS": "mine", **settings})
    if _resources() and not settings.get("REMOVE"):
        raise RefusedError(f"{PROJECT}-{NAME} exists. Unless another make prove runs, destroy what one left: REMOVE=1")
    gone = set() if settings.get("REMOVE") else set(_tagged(region))
    try:
        if not settings.get("REMOVE"):
            inputs.plan(file, *ranges)
            in_foreground("apply", "-input=false", "-no-color", str(file))
        yield
    finally:
        try:
            known = _resources()
            inputs.plan(file, *ranges, "-destroy")
            in_foreground("apply", "-input=false", "-no-color", str(file))
            # AWS can find for hours what was deleted: https://github.com/boto/boto3/issues/3341
            gone |= {str(one.get(name)) for one in known for name in ("arn", "id")}
        except (KeyboardInterrupt, *FAILURES) as error:
            gone.clear()
            print(error or "Interrupted.")
        leftovers += [arn for arn in _tagged(region) if not {arn, arn.rpartition("/")[2]} & gone]
        if leftovers:
            leftovers.append("Remove it with REMOVE=1, then by hand what exists: AWS lists deleted ones for hours.")
        print("Left over:", *(leftovers or ["nothing"]), sep="\n  ", flush=True)
    if leftovers and settings.get("REMOVE"):
        raise CommandError("Something is left.")


def _resources() -> list[dict[str, Any]]:
    state = json.loads(terraform("state", "pull").stdout or "{}")
    return [instance["attributes"] for one in state.get("resources", []) for instance in one["instances"]]


def _tagged(region: str) -> list[str]:
    """Return the ARNs of what has the environment's tags, except what costs nothing: tasks, and keys to be deleted."""
    filters = [{"Key": "Project", "Values": [PROJECT]}, {"Key": "Environment", "Values": [NAME]}]
    client: Any = boto3.client("resourcegroupstaggingapi", region_name=region)
    pages = client.get_paginator("get_resources").paginate(TagFilters=filters)
    arns = [found["ResourceARN"] for page in pages for found in page["ResourceTagMappingList"]]
    kms: Any = boto3.client("kms", region_name=region)

    def costs(arn: str) -> bool:
        if ":key/" not in arn:
            return not re.search(":task(-definition)?/", arn)
        try:
            return bool(kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] != "PendingDeletion")
        except kms.exceptions.NotFoundException:
            return False

    return list(filter(costs, arns))
