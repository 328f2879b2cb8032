"""The claims of GitHub's OIDC token for a job, and their evaluation against a role's trust policy.

Claims: https://docs.github.com/en/actions/reference/security/oidc
Condition keys: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-wif
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localaws.iam.evaluate import Request, decide, statements_of

ISSUER = "token.actions.githubusercontent.com"
MAIN = "refs/heads/main"
# The claims that AWS STS makes condition keys; a condition on any other one never holds.
_CONDITION_KEYS = {"aud", "sub", "repository", "repository_id", "ref", "environment", "job_workflow_ref"}


@dataclass(frozen=True)
class Repository:
    """A repository on GitHub.

    Attributes:
        name: OWNER/REPOSITORY, which another repository can get later; owner_id and id are never reused.
        has_immutable_subject: subjects contain these numbers; False for the legacy format.
    """

    name: str
    owner_id: str
    id: str
    has_immutable_subject: bool = True


def claims_of_job(
    repository: Repository,
    file: str,
    *,
    ref: str = MAIN,
    event: str = "push",
    environment: str = "",
    workflow: str = "",
) -> dict[str, str]:
    """Return the claims of a job's token that matter to a trust policy.

    Args:
        repository: the repository in which the job runs.
        file: name of the workflow file that defines the job; of a reusable one, not of its caller.
        ref: branch, tag or pull request of the run, which ``event`` started.
        environment: the job's GitHub environment; empty for none.
        workflow: the file's ``OWNER/REPOSITORY@REF`` if they are not those of the run.
    """
    owner, _, name = repository.name.partition("/")
    numbered = f"{owner}@{repository.owner_id}/{name}@{repository.id}"
    subject = numbered if repository.has_immutable_subject else repository.name
    context = f"environment:{environment}" if environment else f"ref:{ref}"
    if event == "pull_request" and not environment:
        context = "pull_request"
    of, _, at = (workflow or f"{repository.name}@{ref}").partition("@")
    return {
        "aud": "sts.amazonaws.com",
        "sub": f"repo:{subject}:{context}",
        "repository": repository.name,
        "repository_id": repository.id,
        "ref": ref,
        "job_workflow_ref": f"{of}/.github/workflows/{file}@{at}",
        **({"environment": environment} if environment else {}),
    }


def is_trusted(trust_policy: Mapping[str, Any], claims: Mapping[str, str]) -> bool:
    """Return True if a role's trust policy lets a token with these claims assume the role."""
    provider = f":oidc-provider/{ISSUER}"
    found = [one for one in statements_of(trust_policy) if one["Principal"].get("Federated", "").endswith(provider)]
    context = {f"{ISSUER}:{name}": value for name, value in claims.items() if name in _CONDITION_KEYS}
    return decide(found, Request("sts:AssumeRoleWithWebIdentity", "*", context)).allowed
