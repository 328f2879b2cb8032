"""Tags and boundaries of what exists, by id or ARN: what the judge puts into a request's context."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.acm.models import acm_backends
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends

if TYPE_CHECKING:
    from collections.abc import Mapping

    from localaws.settings import Settings

_GLOBAL = "aws"  # moto keeps what has no region by the name of the partition


class ResourceTags:
    """Looks tags up in moto. Holds no state."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def find(self, identifier: str) -> Mapping[str, str]:
        """The tags of a resource of EC2 by id, of a key, secret or certificate by ARN; none of what is not known."""
        account, region = self._settings.account_id, self._settings.region
        if identifier.startswith("arn:aws:kms:"):
            keys = kms_backends[account][region]
            tags = keys.tagger.list_tags_for_resource(identifier.rpartition("/")[2])["Tags"]
            return {tag["TagKey"]: tag["TagValue"] for tag in tags}
        if identifier.startswith("arn:aws:secretsmanager:"):
            secret = secretsmanager_backends[account][region].secrets.get(identifier)
            return {tag["Key"]: tag["Value"] for tag in (secret.tags or [] if secret else [])}
        if identifier.startswith("arn:aws:acm:"):
            certificate = acm_backends[account][region]._certificates.get(identifier)  # noqa: SLF001 - its getter raises
            return {name: value or "" for name, value in certificate.tags.items()} if certificate else {}
        tags_of: Mapping[str, str] = ec2_backends[account][region].tags.get(self._owner(identifier), {})
        return tags_of

    def find_boundary(self, role_name: str) -> str | None:
        """The ARN of a role's permissions boundary, if there is such a role and it has one."""
        roles = iam_backends[self._settings.account_id][_GLOBAL].roles.values()
        return next((role.permissions_boundary_arn for role in roles if role.name == role_name), None)

    def _owner(self, identifier: str) -> str:
        """The route table or ACL that an association belongs to; any other id as it is."""
        ec2 = ec2_backends[self._settings.account_id][self._settings.region]
        owners: list[Any] = [*ec2.route_tables.values(), *ec2.network_acls.values()]
        # Its associations by id are shown to nobody else.
        found = (owner.id for owner in owners if identifier in owner._associations)  # noqa: SLF001
        return next(found, identifier)
