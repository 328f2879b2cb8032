"""The inputs of a call's authorization: its parameters, and what they leave out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class KnownSecret:
    """The parts of a secret that permissions depend on.

    Attributes:
        arn: with its random suffix.
        customer_key_arn: its customer managed KMS key; None for AWS's own key.
    """

    arn: str
    customer_key_arn: str | None


@dataclass(frozen=True)
class RequestContext:
    """Facts that the parameters of a call leave out.

    Attributes:
        account_id: the account of every resource.
        region: the region of every resource.
        find_secret: returns a secret by name or ARN.
        find_key_arn: returns a KMS key's ARN by id, alias or ARN; the given text if there is no such key.
        find_tags: returns the tags of an EC2 resource by id, or of a key, secret, certificate or task by ARN.
        find_boundary: returns the ARN of a role's permissions boundary by the role's name.
        find_task_roles: returns the ARNs of a task definition's roles.
        has_linked_role: returns whether a service, such as rds.amazonaws.com, has its service-linked role.
    """

    account_id: str
    region: str
    find_secret: Callable[[str], KnownSecret | None]
    find_key_arn: Callable[[str], str]
    find_tags: Callable[[str], Mapping[str, str]] = lambda _identifier: {}
    find_boundary: Callable[[str], str | None] = lambda _role: None
    find_task_roles: Callable[[str], list[str]] = lambda _definition: []
    has_linked_role: Callable[[str], bool] = lambda _service: True

    def arn(self, service: str, rest: str) -> str:
        """Return ``arn:aws:SERVICE:REGION:ACCOUNT:REST``."""
        return f"arn:aws:{service}:{self.region}:{self.account_id}:{rest}"

    def resource_tags(self, identifier: str) -> dict[str, str]:
        """Return the condition keys ``aws:ResourceTag/...`` of a resource."""
        return {f"aws:ResourceTag/{name}": value for name, value in self.find_tags(identifier).items()}


def request_tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the condition keys ``aws:RequestTag/...`` of the tags that a call sets."""
    specifications = parameters.get("TagSpecifications") or []
    tags = [
        *(parameters.get("Tags") or []),
        *(tag for specification in specifications for tag in specification["Tags"]),
    ]
    # KMS spells the members of its tags another way. A tag to be deleted can come without its value.
    return {
        f"aws:RequestTag/{tag.get('Key') or tag['TagKey']}": tag.get("Value") or tag.get("TagValue") or ""
        for tag in tags
    }


def texts(value: object) -> Iterator[str]:
    """Yield every text in nested parameters, except in filters."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, member in value.items():
            if name != "Filters":
                yield from texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)
