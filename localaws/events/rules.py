"""EventBridge rules: what matches a rule of the default bus reaches its targets.

moto matches events with rules, and does not deliver to topics. Here a topic gets a message, if its policy and its key
allow EventBridge. The journal has each delivery and each refusal, and CloudWatch counts refusals. Disabled rules
deliver nothing. Different from AWS: targets other than topics, and targets with a constant input, get nothing.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.events.models import Rule
from moto.kms.models import kms_backends
from moto.sns.models import sns_backends

from localaws.cloudwatch.metrics import count_failed_invocation
from localaws.iam.evaluate import Request, Statement, decide_for_service, statements_of
from localaws.patch import PatchingService
from localaws.settings import Context

SERVICE = "events.amazonaws.com"


class Events(PatchingService):
    """Delivers events to the targets of rules. Holds no state."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)

        @self._patch.method(Rule, "send_to_targets")
        def send(_original: Callable[..., None], rule: Rule, event: Any, *_rest: Any) -> None:
            if rule.state != "ENABLED" or not rule.event_pattern.matches_event(event):
                return
            for target in rule.targets:
                refusal = self._deliver(target, event)
                if refusal:
                    count_failed_invocation(context.settings, rule.name)
                self._context.journal.record(
                    "event.undelivered" if refusal else "event.delivered",
                    rule=rule.name,
                    event=event["detail-type"],
                    target=target["Arn"],
                    **({"reason": refusal} if refusal else {}),
                )

    def _deliver(self, target: Mapping[str, Any], event: Any) -> str | None:
        """Hand an event to a target; why that was not possible, None if it was."""
        if ":sns:" not in target["Arn"] or "Input" in target:
            return "such a target is not emulated"
        return self._publish(target["Arn"], _input(target, event))

    def _publish(self, arn: str, message: str) -> str | None:
        topic = sns_backends[self._context.settings.account_id][self._context.settings.region].topics.get(arn)
        if topic is None:
            return "there is no such topic"
        # EventBridge supplies no source keys to a topic or its key, and a topic's policy supports no conditions for it.
        usable = [one for one in statements_of(json.loads(topic.policy)) if not one.get("Condition")]
        refusal = _refusal(usable, Request("sns:Publish", arn))
        if refusal is None and topic.kms_master_key_id:
            refusal = self._refusal_of_key(topic.kms_master_key_id, arn)
        if refusal is None:
            topic.publish(message)
        return refusal

    def _refusal_of_key(self, identifier: str, topic_arn: str) -> str | None:
        backend = kms_backends[self._context.settings.account_id][self._context.settings.region]
        key = backend.keys[backend.any_id_to_key_id(identifier)]
        statements = statements_of(json.loads(key.policy))
        context = {"kms:EncryptionContext:aws:sns:topicArn": topic_arn}
        requests = [Request(action, key.arn, context) for action in ("kms:GenerateDataKey", "kms:Decrypt")]
        return next((refusal for one in requests if (refusal := _refusal(statements, one))), None)


def _refusal(statements: list[Statement], request: Request) -> str | None:
    decision = decide_for_service(statements, SERVICE, request)
    if decision.allowed:
        return None
    policy = "key policy of the topic" if request.action.startswith("kms:") else "target's own policy"
    return f"the {policy} does not let {SERVICE} in"


def _input(target: Mapping[str, Any], event: Any) -> str:
    """Return a target's input for an event: a filled-in template, or the event itself."""
    described = {**event, "time": f"{datetime.fromtimestamp(float(event['time']), UTC):%Y-%m-%dT%H:%M:%SZ}"}
    transformer = target.get("InputTransformer")
    if not transformer:
        return json.dumps(described)
    text: str = transformer["InputTemplate"]
    for name, path in transformer.get("InputPathsMap", {}).items():
        text = text.replace(f"<{name}>", str(_value_at(described, path)))
    return text


def _value_at(event: Any, path: str) -> Any:
    """Return the value at a path such as ``$.detail.eventName``; as in EventBridge, empty if there is none."""
    for name in path.removeprefix("$.").split("."):
        event = event.get(name, "") if isinstance(event, dict) else ""
    return event
