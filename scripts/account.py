"""Prepare an AWS account for the project: its states, its registry, and the roles of the pipeline.

Called by `make account` with an administrator's credentials. Each step is idempotent, and the account itself says what
is left to do: the next run continues an interrupted one, also by another person or in another clone.
"""

import http
import json
import os
import re
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from scripts.environment import CommandError, environments, in_foreground, run_command, terraform
from scripts.github.api import Answer, GitHub, GitHubError, run_gh

ROOT = Path(__file__).parent.parent / "terraform" / "account"
_ISSUER = "token.actions.githubusercontent.com"
_AUDIENCE = "sts.amazonaws.com"
_FIRST_REGION = "us-east-1"  # which no location constraint names
_SETTINGS = ROOT / "account.auto.tfvars.json"
_IMPORTS = ROOT / "imports.tf"
_TIMEOUT_SECONDS = 30
# The bucket exists before Terraform runs, so the state is never anywhere else.
_BACKEND = """\
terraform {{
  backend "s3" {{
    bucket       = "{bucket}"
    key          = "{key}"
    region       = "{region}"
    use_lockfile = true
  }}
}}
"""
_UNKNOWN = """\
The numbers of {name} and its owner are unknown. {error}
A private repository is found after `gh auth login`. Or let a member run: gh api repos/{name} --jq '.owner.id, .id'
and pass both: make account GITHUB_REPOSITORY={name} GITHUB_OWNER_ID=... GITHUB_REPOSITORY_ID=..."""
# Named resources that an apply creates, and what finds them in AWS: service, operation, its parameter, and the id.
_NAMED = {
    "aws_ecr_repository": ("ecr", "list_images", "repositoryName", "{name}"),
    "aws_iam_policy": ("iam", "get_policy", "PolicyArn", "{iam}:policy/{name}"),
    "aws_iam_role": ("iam", "get_role", "RoleName", "{name}"),
    "aws_s3_bucket": ("s3", "head_bucket", "Bucket", "{bucket}"),
}
_ABSENT = {"404", "NoSuchEntity", "RepositoryNotFoundException"}


def trusted_repository(environment: Mapping[str, str], kept: Mapping[str, str], github: GitHub) -> dict[str, str]:
    """Return the variables that identify the repository: given, kept by the last run, or as GitHub answers.

    Raises:
        CommandError: no repository is named, or its numbers are unknown.
    """
    name = environment.get("GITHUB_REPOSITORY") or kept.get("github_repository", "")
    if not re.fullmatch(r"[\w-]+/[\w.-]+", name):
        raise CommandError("Name the repository that can deploy: make account GITHUB_REPOSITORY=OWNER/REPOSITORY")
    given = [environment.get(f"GITHUB_{kind}_ID", "") for kind in ("OWNER", "REPOSITORY")]
    known = [kept.get(f"github_{kind}_id", "") for kind in ("owner", "repository")]
    if any(given):
        numbers = given
    elif all(known) and not environment.get("GITHUB_REPOSITORY"):
        numbers = known
    else:
        try:
            found = github.request("GET", f"repos/{name}")
        except GitHubError as error:
            raise CommandError(_UNKNOWN.format(error=error, name=name)) from error
        name, numbers = found["full_name"], [str(found["owner"]["id"]), str(found["id"])]
    if not all(map(str.isdecimal, numbers)):
        raise CommandError("Set both GITHUB_OWNER_ID and GITHUB_REPOSITORY_ID, to digits.")
    if known[1] not in ("", numbers[1]):
        print(f"The roles trusted repository number {known[1]}; from now on it is {name}, number {numbers[1]}.")
    return dict(zip(("github_repository", "github_owner_id", "github_repository_id"), (name, *numbers), strict=True))


def send(method: str, path: str, body: object = None) -> Answer:
    """Send a request with gh's login, or without one to the public API."""
    answer = run_gh(method, path, body)
    if answer.status != http.HTTPStatus.UNAUTHORIZED:
        return answer
    try:
        with urllib.request.urlopen(f"https://api.github.com/{path}", timeout=_TIMEOUT_SECONDS) as response:
            return Answer(response.status, body=json.load(response))
    except urllib.error.HTTPError as error:
        return Answer(error.code, {name.lower(): value for name, value in error.headers.items()}, str(error))
    except (OSError, ValueError) as error:
        return Answer(0, body=str(error))


def prepare(environment: Mapping[str, str]) -> None:
    """Prepare the account whose credentials are in use.

    Raises:
        CommandError: something is missing or wrong, or Terraform failed.
    """
    kept = json.loads(_SETTINGS.read_text()) if _SETTINGS.exists() else {}
    project = re.findall(r'"project_name"(?s:.*?)default +=  *"(.*?)"', (ROOT / "variables.tf").read_text())[0]
    caller = boto3.client("sts", region_name=_FIRST_REGION).get_caller_identity()
    number, partition = caller["Account"], caller["Arn"].split(":")[1]
    bucket = f"{project}-terraform-state-{number}"
    backend = ROOT / "backend.tf"
    if backend.exists() and bucket not in backend.read_text():
        raise CommandError(f"{backend} is another account's, but the credentials are those of the account {number}.")
    there = _region_of(bucket, number)
    region = there or kept.get("region") or environment.get("REGION") or _FIRST_REGION
    if environment.get("REGION", "") not in ("", region):
        raise CommandError(
            f"The account's states and registry are in {region}."
            f" To move them to {environment['REGION']}, destroy terraform/account first."
        )
    settings = kept | trusted_repository(environment, kept, GitHub(send)) | {"region": region}
    settings["deploy_environments"] = environments()
    _write(_SETTINGS, json.dumps(settings, indent=2) + "\n")
    _name_owner(settings["github_repository"].partition("/")[0])
    if not there:
        elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != _FIRST_REGION else {}
        boto3.client("s3", region_name=region).create_bucket(Bucket=bucket, **elsewhere)
    key = f"{project}/account.tfstate"
    _write(backend, _BACKEND.format(bucket=bucket, key=key, region=region))
    terraform("init", "-input=false", "-reconfigure", root=ROOT)
    _use_existing_provider(settings, boto3.client("iam", region_name=region))
    _apply(region, f"arn:{partition}:iam::{number}")
    _create_linked_roles(boto3.client("iam", region_name=region))
    print(f"Commit {_SETTINGS.name}, {backend.name} and CODEOWNERS: other clones and `make deploy` use them.")


def _write(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text)
    part.replace(path)


def _region_of(bucket: str, account: str) -> str | None:
    """Return the region of the account's bucket; None before it exists."""
    try:
        answer = boto3.client("s3", region_name=_FIRST_REGION).head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == http.HTTPStatus.NOT_FOUND:
            return None
        raise
    return str(answer["BucketRegion"])


def _name_owner(owner: str) -> None:
    owners = ROOT.parent.parent / ".github" / "CODEOWNERS"
    if owners.exists():
        _write(owners, re.sub(r"^\* @OWNER$", f"* @{owner}", owners.read_text(), flags=re.MULTILINE))


def _use_existing_provider(settings: dict[str, str], iam: Any) -> None:
    """Use an OIDC provider for GitHub that was not created here: AWS allows one for each issuer.

    Raises:
        CommandError: it does not accept tokens for AWS.
    """
    providers = [one["Arn"] for one in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    arn = next((one for one in providers if one.endswith(f"/{_ISSUER}")), None)
    managed = terraform("state", "pull", root=ROOT).stdout
    if arn is None or "github_oidc_provider_arn" in settings or '"aws_iam_openid_connect_provider"' in managed:
        return
    if _AUDIENCE not in iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"]:
        raise CommandError(
            f"The account's OIDC provider for GitHub does not accept tokens for {_AUDIENCE}. Allow it:\n  aws iam"
            f" add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn {arn} --client-id {_AUDIENCE}"
        )
    _write(_SETTINGS, json.dumps(settings | {"github_oidc_provider_arn": arn}, indent=2) + "\n")


def _apply(region: str, iam: str) -> None:
    """Show what Terraform would change, ask, and apply it.

    An interrupted apply can create resources without noting them in the state. They are imported.
    """
    try:
        _IMPORTS.unlink(missing_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "account.tfplan"
            plan = _plan(file)
            if blocks := "".join(_imports(plan, region, iam)):
                _IMPORTS.write_text(blocks)
                plan = _plan(file)
            if not plan:
                return
            print(terraform("show", str(file), root=ROOT).stdout)
            if input("Apply this? Only yes is accepted: ") != "yes":
                raise CommandError("Not applied.")
            in_foreground("apply", "-input=false", str(file), root=ROOT)
    finally:
        _IMPORTS.unlink(missing_ok=True)


def _plan(file: Path) -> Any:
    """Return the changes that a plan would make, as Terraform describes them; an empty list for none."""
    # Without a lock, which an interrupted plan would leave. Terraform refuses a plan of a state that has changed since.
    options = ("-input=false", "-lock=false", "-detailed-exitcode", f"-out={file}")
    if terraform("plan", *options, root=ROOT, allowed=(0, 2)).returncode == 0:
        return []
    return json.loads(terraform("show", "-json", str(file), root=ROOT).stdout)["resource_changes"]


def _imports(plan: Any, region: str, iam: str) -> Iterator[str]:
    """Yield an import block for each resource that the plan would create and that exists."""
    for resource in plan:
        if resource["type"] not in _NAMED or resource["change"]["actions"] != ["create"]:
            continue
        service, operation, parameter, template = _NAMED[resource["type"]]
        found = template.format(**{"iam": iam, **resource["change"]["after"]})
        client: Any = boto3.client(service, region_name=region)  # type: ignore[call-overload]
        try:
            getattr(client, operation)(**{parameter: found})
        except ClientError as error:
            if error.response["Error"]["Code"] not in _ABSENT:
                raise
        else:
            yield f'import {{\n  to = {resource["address"]}\n  id = "{found}"\n}}\n'


def _create_linked_roles(iam: Any) -> None:
    """Create the roles that services create at their first use, which can fail while the role is seconds old."""
    for service in ("rds", "ecs", "elasticloadbalancing", "ecs.application-autoscaling"):
        path = f"/aws-service-role/{service}.amazonaws.com/"
        pages = iam.get_paginator("list_roles").paginate(PathPrefix=path)
        if not any(page["Roles"] for page in pages):
            iam.create_service_linked_role(AWSServiceName=f"{service}.amazonaws.com")


if __name__ == "__main__":
    sys.exit(run_command(os.environ, lambda: prepare(os.environ)))
