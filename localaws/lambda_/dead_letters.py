"""Dead letters: the SNS topic to which Lambda publishes an event that all attempts failed to process.

Lambda publishes with the function's role. It refuses a function whose role lacks the permission, and drops the event if
the role loses it, or cannot use the key that encrypts the topic.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html#invocation-dlq

Different from AWS: a target cannot be an SQS queue, and the message has no attributes about the error.
"""

from moto.awslambda.exceptions import InvalidParameterValueException
from moto.sns.models import sns_backends

from localaws.iam.authorizer import Authorizer
from localaws.iam.evaluate import Request
from localaws.settings import Settings


def check_target(target: str, role_arn: str, authorizer: Authorizer) -> None:
    """Refuse a topic that the function's role cannot publish to.

    Raises:
        InvalidParameterValueException: with AWS's message.
        NotImplementedError: the target is not a topic.
    """
    if ":sns:" not in target:
        raise NotImplementedError(f"dead letters to {target} are not emulated, only those to SNS topics")
    if not authorizer.allows(role_arn, Request("sns:Publish", target)).allowed:
        raise InvalidParameterValueException(
            "The provided execution role does not have permissions to call Publish on SNS"
        )


def deliver(event: str, target: str, role_arn: str, settings: Settings, authorizer: Authorizer) -> bool:
    """Publish an event as the function's role; return True if the topic got it."""
    topic = sns_backends[settings.account_id][settings.region].topics.get(target)
    if topic is None or not _may_publish(target, topic.kms_master_key_id, role_arn, authorizer):
        return False
    topic.publish(event)
    return True


def _may_publish(target: str, key: str | None, role_arn: str, authorizer: Authorizer) -> bool:
    ctx = authorizer.context
    context = {"kms:ViaService": f"sns.{ctx.region}.amazonaws.com", "kms:EncryptionContext:aws:sns:topicArn": target}
    uses = [Request(action, key, context) for action in ("kms:GenerateDataKey", "kms:Decrypt")] if key else []
    return all(authorizer.allows(role_arn, one).allowed for one in (Request("sns:Publish", target), *uses))
