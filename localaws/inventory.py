"""List the resources in the local AWS that a new account does not have.

For the check after a destroy: in AWS, leftover resources would stay and might cost money. Records that AWS itself
keeps are not counted: deleted NAT gateways, inactive services and clusters, and task definitions, which cost nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from moto.acm.models import acm_backends
from moto.applicationautoscaling.models import applicationautoscaling_backends
from moto.awslambda.models import lambda_backends
from moto.budgets.models import budgets_backends
from moto.cloudwatch.models import cloudwatch_backends
from moto.ec2.models import ec2_backends
from moto.ecr.models import ecr_backends
from moto.ecs.models import ecs_backends
from moto.elbv2.models import elbv2_backends
from moto.events.models import events_backends
from moto.iam.models import iam_backends
from moto.kms.models import kms_backends
from moto.logs.models import logs_backends
from moto.rds.models import rds_backends
from moto.route53.models import route53_backends
from moto.s3.models import s3_backends
from moto.scheduler.models import scheduler_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from moto.wafv2.models import wafv2_backends

from localaws.settings import Settings

_GLOBAL = "aws"  # moto keeps resources without a region under the name of the partition
_GONE = frozenset({"INACTIVE", "deleted", "deleting", "PendingDeletion"})


class Inventory:
    """Knows the account as it was when it was made, and says what came since."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._from_the_first_day = frozenset(self._all())

    def remaining(self) -> list[str]:
        """Return everything that was created and not deleted, as sorted ``service kind identifier``."""
        return sorted(set(self._all()) - self._from_the_first_day)

    def _all(self) -> Iterator[str]:
        for service, (backends, listing) in _SERVICES.items():
            account = backends[self._settings.account_id]
            own = account[self._settings.region if self._settings.region in account else _GLOBAL]
            for backend in [own, *(other for other in list(account.values()) if other is not own)]:
                for kind, identifiers in listing(backend).items():
                    yield from (f"{service} {kind} {identifier}" for identifier in identifiers)


def _live(resources: Mapping[str, Any], attribute: str = "status") -> list[str]:
    return [name for name, resource in resources.items() if getattr(resource, attribute, None) not in _GONE]


def _nested(groups: Mapping[str, Mapping[str, Any]]) -> Iterator[Any]:
    for group in groups.values():
        yield from group.values()


def _ec2(backend: Any) -> dict[str, Iterable[str]]:
    return {
        "vpc": backend.vpcs,
        "subnet": (subnet.id for subnet in _nested(backend.subnets)),
        # The main route table, default ACL and default group come and go with their VPC.
        "route-table": (t.id for t in backend.route_tables.values() if not t.main_association_id),
        "network-acl": (acl.id for acl in backend.network_acls.values() if not acl.default),
        "security-group": (group.id for group in _nested(backend.groups) if group.name != "default"),
        "internet-gateway": backend.internet_gateways,
        "nat-gateway": _live(backend.nat_gateways, "state"),
        "vpc-endpoint": _live(backend.vpc_end_points, "state"),
        "network-interface": backend.enis,
        "elastic-ip": backend.addresses,
        "flow-log": backend.flow_logs,
    }


def _ecs(backend: Any) -> dict[str, Iterable[str]]:
    return {
        "cluster": _live(backend.clusters),
        "service": (s.arn for s in backend.services.values() if s.status not in _GONE),
    }


def _kms(backend: Any) -> dict[str, Iterable[str]]:
    # AWS creates a key, such as alias/aws/rds, with the first resource that wants one, and keeps it.
    own = {
        name: key
        for name, key in backend.keys.items()
        if not any(alias.startswith("alias/aws/") for alias in key.aliases)
    }
    return {"key": _live(own, "key_state")}


def _rds(backend: Any) -> dict[str, Iterable[str]]:
    return {
        "instance": backend.databases,
        "subnet-group": backend.subnet_groups,
        "parameter-group": backend.db_parameter_groups,
        "option-group": backend.option_groups,
        "snapshot": backend.database_snapshots,
    }


def _iam(backend: Any) -> dict[str, Iterable[str]]:
    return {
        "role": (role.name for role in backend.roles.values()),
        "policy": backend.managed_policies,
        "user": backend.users,
        "instance-profile": (profile.name for profile in backend.instance_profiles.values()),
        "oidc-provider": backend.open_id_providers,
    }


def _elbv2(backend: Any) -> dict[str, Iterable[str]]:
    listeners = (arn for balancer in backend.load_balancers.values() for arn in balancer.listeners)
    return {
        "load-balancer": backend.load_balancers,
        "listener": listeners,
        "target-group": backend.target_groups,
    }


def _events(backend: Any) -> dict[str, Iterable[str]]:
    return {
        "bus": backend.event_buses,
        "rule": (rule for bus in backend.event_buses.values() for rule in bus.rules),
    }


def _autoscaling(backend: Any) -> dict[str, Iterable[str]]:
    targets = (target for group in backend.targets.values() for target in group)
    return {
        "target": targets,
        "policy": backend.policies,
        "scheduled-action": (action.scheduled_action_name for action in backend.scheduled_actions),
    }


def _scheduler(backend: Any) -> dict[str, Iterable[str]]:
    groups = backend.schedule_groups
    return {
        "schedule-group": groups,
        "schedule": (f"{group.name}/{name}" for group in groups.values() for name in group.schedules),
    }


_SERVICES: Mapping[str, tuple[Any, Callable[[Any], dict[str, Iterable[str]]]]] = {
    "acm": (acm_backends, lambda backend: {"certificate": backend._certificates}),  # noqa: SLF001
    "application-autoscaling": (applicationautoscaling_backends, _autoscaling),
    "budgets": (
        budgets_backends,
        lambda backend: {"budget": (name for budgets in backend.budgets.values() for name in budgets)},
    ),
    "cloudwatch": (
        cloudwatch_backends,
        lambda backend: {"alarm": backend.alarms, "dashboard": backend.dashboards},
    ),
    "ec2": (ec2_backends, _ec2),
    "ecr": (ecr_backends, lambda backend: {"repository": backend.repositories}),
    "ecs": (ecs_backends, _ecs),
    "elbv2": (elbv2_backends, _elbv2),
    "events": (events_backends, _events),
    "iam": (iam_backends, _iam),
    "kms": (kms_backends, _kms),
    "lambda": (
        lambda_backends,
        lambda backend: {"function": (f.function_name for f in backend.list_functions())},
    ),
    "logs": (logs_backends, lambda backend: {"log-group": backend.groups}),
    "rds": (rds_backends, _rds),
    "route53": (route53_backends, lambda backend: {"zone": (zone.name for zone in backend.zones.values())}),
    "s3": (s3_backends, lambda backend: {"bucket": backend.buckets}),
    "scheduler": (scheduler_backends, _scheduler),
    # A secret that waits for its deletion still blocks its name, so it counts.
    "secretsmanager": (
        secretsmanager_backends,
        lambda backend: {"secret": (s.name for s in backend.secrets.values())},
    ),
    "sns": (sns_backends, lambda backend: {"topic": backend.topics, "subscription": backend.subscriptions}),
    "sqs": (sqs_backends, lambda backend: {"queue": backend.queues}),
    "wafv2": (wafv2_backends, lambda backend: {"web-acl": (acl.name for acl in backend.wacls.values())}),
}
