"""The context of a request to this local AWS: secrets, keys, tags and boundaries, looked up in moto."""

from collections.abc import Mapping
from typing import Any

from moto.acm.models import acm_backends
from moto.ec2.models import ec2_backends
from moto.ecs.exceptions import TaskDefinitionNotFoundException
from moto.ecs.models import ecs_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends

from localaws.iam.actions.context import KnownSecret, RequestContext
from localaws.settings import Settings

_GLOBAL = "aws"  # moto keeps resources without a region under the name of the partition


def context_of(settings: Settings) -> RequestContext:
    """Return the context of the requests to one local AWS."""
    moto = _Moto(settings)
    return RequestContext(
        settings.account_id,
        settings.region,
        find_secret=moto.find_secret,
        find_key_arn=moto.find_key_arn,
        find_tags=moto.find_tags,
        find_boundary=moto.find_boundary,
        find_task_roles=moto.find_task_roles,
        has_linked_role=moto.has_linked_role,
    )


class _Moto:
    """Looks resources up in moto. Holds no state."""

    def __init__(self, settings: Settings) -> None:
        self._account = settings.account_id
        self._region = settings.region

    def find_secret(self, identifier: str) -> KnownSecret | None:
        backend = secretsmanager_backends[self._account][self._region]
        secret = backend.secrets.get(identifier)
        if secret is None:
            return None
        key = getattr(secret, "kms_key_id", None)
        if not key or key.endswith(backend.DEFAULT_KMS_KEY_ALIAS):
            return KnownSecret(secret.arn, customer_key_arn=None)
        return KnownSecret(secret.arn, self.find_key_arn(key))

    def find_key_arn(self, identifier: str) -> str:
        backend = kms_backends[self._account][self._region]
        try:
            arn: str = backend.keys[backend.any_id_to_key_id(identifier)].arn
        except (KeyError, ValueError):
            return identifier
        return arn

    def find_tags(self, identifier: str) -> Mapping[str, str]:
        if identifier.startswith("arn:aws:kms:"):
            keys = kms_backends[self._account][self._region]
            tags = keys.tagger.list_tags_for_resource(identifier.rpartition("/")[2])["Tags"]
            return {tag["TagKey"]: tag["TagValue"] for tag in tags}
        if identifier.startswith("arn:aws:secretsmanager:"):
            secret = secretsmanager_backends[self._account][self._region].secrets.get(identifier)
            return {tag["Key"]: tag["Value"] for tag in (secret.tags or [] if secret else [])}
        if identifier.startswith("arn:aws:ecs:"):
            tasks = ecs_backends[self._account][self._region].tasks.values()
            task = next((by_arn[identifier] for by_arn in list(tasks) if identifier in by_arn), None)
            return {tag["key"]: tag["value"] for tag in task.tags} if task else {}
        if identifier.startswith("arn:aws:acm:"):
            certificates = acm_backends[self._account][self._region]._certificates  # noqa: SLF001 - its getter raises
            certificate = certificates.get(identifier)
            return {name: value or "" for name, value in certificate.tags.items()} if certificate else {}
        tags_of: Mapping[str, str] = ec2_backends[self._account][self._region].tags.get(self._tagged(identifier), {})
        return tags_of

    def find_boundary(self, role_name: str) -> str | None:
        roles = iam_backends[self._account][_GLOBAL].roles.values()
        return next((role.permissions_boundary_arn for role in roles if role.name == role_name), None)

    def has_linked_role(self, service: str) -> bool:
        roles = list(iam_backends[self._account][_GLOBAL].roles.values())
        return any(role.path == f"/aws-service-role/{service}/" for role in roles)

    def find_task_roles(self, definition: str) -> list[str]:
        try:
            found = ecs_backends[self._account][self._region].describe_task_definition(definition)
        except TaskDefinitionNotFoundException:
            return []
        return [arn for name in ("execution_role_arn", "task_role_arn") if (arn := getattr(found, name, None))]

    def _tagged(self, identifier: str) -> str:
        """Return the route table, ACL or address that an association belongs to; any other id as it is."""
        ec2 = ec2_backends[self._account][self._region]
        if identifier.startswith("eipassoc-"):
            owner = (address.allocation_id for address in ec2.addresses if address.association_id == identifier)
            return next(owner, None) or identifier
        tables: list[Any] = [*ec2.route_tables.values(), *ec2.network_acls.values()]
        owners = (table.id for table in tables if identifier in table._associations)  # noqa: SLF001 - not shown elsewhere
        return next(owners, identifier)
