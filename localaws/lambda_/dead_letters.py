"""Dead letters: where Lambda sends an event that all attempts failed to process: an SQS queue or an SNS topic.

Lambda sends with the function's role. It refuses a function whose role lacks the permission, and drops the event if the
role loses it, or cannot use the key that encrypts the topic.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq

Different from AWS: the message has no attributes about the error; the key of an encrypted queue is not checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from localaws.iam.evaluate import Request

if TYPE_CHECKING:
    from localaws.iam.authorizer import Authorizer
    from localaws.settings import Settings

_ACTIONS = {"sns": "sns:Publish", "sqs": "sqs:SendMessage"}


def check_target(target: str, role_arn: str, authorizer: Authorizer) -> None:
    """Refuse a target that the function's role may not send to.

    Raises:
        InvalidParameterValueException: with AWS's message.
    """
    _, _, service, *_ = [*target.split(":"), "", ""]
    if service not in _ACTIONS:
        raise InvalidParameterValueException(f"The dead letter target {target} is neither a queue nor a topic.")
    if not authorizer.allows(role_arn, Request(_ACTIONS[service], target)).allowed:
        operation = _ACTIONS[service].partition(":")[2]
        raise InvalidParameterValueException(
            f"The provided execution role does not have permissions to call {operation} on {service.upper()}"
        )


def deliver(event: str, target: str, role_arn: str, settings: Settings, authorizer: Authorizer) -> bool:
    """Send an event as the function's role; whether it got there."""
    service = target.split(":")[2]
    if not authorizer.allows(role_arn, Request(_ACTIONS[service], target)).allowed:
        return False
    if service == "sqs":
        sqs_backends[settings.account_id][settings.region].send_message(target.rpartition(":")[2], event)
        return True
    topic = sns_backends[settings.account_id][settings.region].topics.get(target)
    if topic is None or not _may_encrypt(topic.kms_master_key_id, role_arn, authorizer):
        return False
    topic.publish(event)
    return True


def _may_encrypt(key: str | None, role_arn: str, authorizer: Authorizer) -> bool:
    if not key:
        return True
    ctx = authorizer.context
    context = {"kms:ViaService": f"sns.{ctx.region}.amazonaws.com", "kms:CallerAccount": ctx.account_id}
    return all(
        authorizer.allows(role_arn, Request(action, key, context)).allowed
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )
