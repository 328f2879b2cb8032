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
        name: OWNER/REPOSITORY; another repository can get it after a deletion or renaming.
        owner_id: number of the owner, which is never reused.
        id: number of the repository, which is never reused.
        has_immutable_subject: subjects contain the numbers; False for the legacy format.
    """

    name: str
    owner_id: str
    id: str
    has_immutable_subject: bool = True

    @property
    def subject(self) -> str:
        """Return the part of a subject that names the repository."""
        owner, _, name = self.name.partition("/")
        return f"{owner}@{self.owner_id}/{name}@{self.id}" if self.has_immutable_subject else self.name


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
        file: name of the workflow file that defines the job, which for a reusable workflow is not the caller's.
        ref: branch, tag or pull request of the run.
        event: what started the run.
        environment: the job's GitHub environment; empty for none.
        workflow: repository and ref of the file as ``OWNER/REPOSITORY@REF`` if it is not of the run's own.
    """
    context = f"environment:{environment}" if environment else f"ref:{ref}"
    if event == "pull_request" and not environment:
        context = "pull_request"
    of, _, at = (workflow or f"{repository.name}@{ref}").partition("@")
    return {
        "aud": "sts.amazonaws.com",
        "sub": f"repo:{repository.subject}:{context}",
        "repository": repository.name,
        "repository_id": repository.id,
        "ref": ref,
        "job_workflow_ref": f"{of}/.github/workflows/{file}@{at}",
        **({"environment": environment} if environment else {}),
    }


def is_trusted(trust_policy: Mapping[str, Any], claims: Mapping[str, str]) -> bool:
    """Return True if a role's trust policy lets a token with these claims assume the role."""
    provider = f":oidc-provider/{ISSUER}"
    statements = [
        statement
        for statement in statements_of(trust_policy)
        if str(statement["Principal"].get("Federated", "")).endswith(provider)
    ]
    context = {f"{ISSUER}:{name}": value for name, value in claims.items() if name in _CONDITION_KEYS}
    return decide(statements, Request("sts:AssumeRoleWithWebIdentity", "*", context)).allowed
