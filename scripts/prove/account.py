"""Claims about the account: alarms, artifacts, what roles cannot reach, and secrets."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from typing import Any

from scripts.deployment.artifacts import ANNOTATION
from scripts.deployment.plan import PACKAGE
from scripts.environment import PROJECT, terraform
from scripts.prove.claim import DisprovedError, claim
from scripts.prove.target import Target, wait_until

# Harm that a role could do to another environment.
_FORBIDDEN = {
    "secretsmanager:GetSecretValue": "arn:aws:secretsmanager:{region}:{account}:secret:{other}/database/beers_app-1",
    "lambda:InvokeFunction": "arn:aws:lambda:{region}:{account}:function:{other}-database-access",
    "ecs:UpdateService": "arn:aws:ecs:{region}:{account}:service/{other}/{other}",
    "rds-db:connect": "arn:aws:rds-db:{region}:{account}:dbuser:db-ANOTHER/beers_app",
    "s3:GetObject": "arn:aws:s3:::{project}-terraform-state-{account}/{project}/another.tfstate",
    "iam:PassRole": "arn:aws:iam::{account}:role/{other}-task",
}


@contextmanager
def subscribed(client: Callable[[str], Any], prefix: str, topic: str) -> Iterator[Callable[[], list[str]]]:
    """Yield a function that returns the messages of a topic so far, through a queue that lives for the block."""
    sqs, sns = client("sqs"), client("sns")
    found: list[str] = []

    def messages() -> list[str]:
        while received := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in received:
                found.append(json.loads(message["Body"])["Message"])
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    with ExitStack() as end:
        queue = sqs.create_queue(QueueName=f"{prefix}-prove-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        end.callback(sqs.delete_queue, QueueUrl=queue)
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sender = {"Principal": {"Service": "sns.amazonaws.com"}, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
        allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn, **sender}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        made = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
        end.callback(sns.unsubscribe, SubscriptionArn=made["SubscriptionArn"])
        yield messages


@claim("alarms", 3, "Sets each alarm to ALARM once: its subscribers are notified")
def alarms_reach_the_topic(target: Target) -> Iterator[str]:
    """Each alarm reaches the topic when it fires."""
    cloudwatch, topic = target.client("cloudwatch"), target.outputs["alarm_topic_arns"][0]
    kinds = {"AlarmNamePrefix": f"{target.prefix}-", "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
    pages = list(cloudwatch.get_paginator("describe_alarms").paginate(**kinds))
    alarms = [one for page in pages for kind in ("MetricAlarms", "CompositeAlarms") for one in page.get(kind, [])]
    state = {one["AlarmName"]: one["StateValue"] for one in alarms if topic in one["AlarmActions"]}
    silent = [one["AlarmName"] for one in alarms if not one["ActionsEnabled"]]
    if silent or not state:
        raise DisprovedError(f"These alarms do not publish to {topic}: {', '.join(silent) or 'all'}.")
    tested = sorted(name for name in state if state[name] != "ALARM")
    missing = set(tested)

    def all_have_arrived() -> bool:
        changes = [json.loads(text) for text in messages() if text.startswith("{")]
        missing.difference_update(change["AlarmName"] for change in changes if change.get("NewStateValue") == "ALARM")
        return not missing

    with subscribed(target.client, target.prefix, topic) as messages:
        try:
            for name in tested:
                cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="make prove tests it")
            wait_until(all_have_arrived, f"messages of {len(tested)} alarms at {topic}", 300)
        finally:
            for name in tested:
                cloudwatch.set_alarm_state(AlarmName=name, StateValue=state[name], StateReason="make prove tested it")
    yield f"{len(tested)} alarms reached {topic}: {', '.join(tested)}"
    if len(tested) < len(state):
        yield f"Not tested, because they fire already: {', '.join(sorted(set(state) - set(tested)))}"


@claim("artifacts", 0.5)
def artifacts_are_mains(target: Target) -> Iterator[str]:
    """What runs is what was applied and what main built."""
    functions, definition = target.client("lambda"), target.outputs["task_definition_arn"]
    if (found := target.service().task_definition) != definition:
        raise DisprovedError(f"The service runs {found}, and {definition} was applied.")
    built = [one["annotations"][ANNOTATION] for one in target.manifests() if ANNOTATION in one.get("annotations", {})]
    source = "main built with the image" if built else "this machine has, because the image names none"
    digest = built[0] if built else sha256(PACKAGE.read_bytes()).hexdigest()
    expected = base64.b64encode(bytes.fromhex(digest)).decode()
    names = [name for key, name in target.outputs.items() if key.endswith("_function_name")]
    code = {name: functions.get_function_configuration(FunctionName=name)["CodeSha256"] for name in names}
    if wrong := [name for name in names if code[name] != expected]:
        raise DisprovedError(f"{', '.join(wrong)} do not run the zip {digest} that {source}.")
    yield f"The service runs {target.image}, by {definition.rpartition('/')[2]}"
    yield f"{', '.join(names)} run the zip {digest[:12]} that {source}"


@claim("roles", 1)
def roles_cannot_reach_another_environment(target: Target) -> Iterator[str]:
    """The environment's roles cannot reach another environment, by IAM's simulation."""
    iam = target.client("iam")

    def can(role: str, action: str, resource: str) -> bool:
        answer = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource])
        return any(result["EvalDecision"] == "allowed" for result in answer["EvaluationResults"])

    arns = [role["Arn"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    roles = [arn for arn in arns if f"/{target.prefix}-" in arn]
    names = {"region": target.region, "account": target.account_id, "project": PROJECT, "other": f"{PROJECT}-another"}
    forbidden = {action: resource.format(**names) for action, resource in _FORBIDDEN.items()}
    reached = [f"{role} can {action}" for role in roles for action, arn in forbidden.items() if can(role, action, arn)]
    own = next(iter(target.outputs["login_secret_arns"].values()))
    reading = [role for role in roles if can(role, "secretsmanager:GetSecretValue", own)]
    if reached or not reading:
        raise DisprovedError("; ".join(reached) or "The simulation also denies what roles need, so it proves nothing.")
    yield f"{len(roles)} roles cannot {', '.join(forbidden)} in {names['other']}"
    yield f"The same simulation lets {len(reading)} of them read their own environment's secret"


@claim("secrets", 2)
def no_secret_is_exposed(target: Target) -> Iterator[str]:
    """No secret is in the state, in plans or in logs."""
    logs, since = target.client("logs"), int((target.began - 3600) * 1000)
    texts = {"the state": terraform("state", "pull").stdout, "Terraform's plans and output": "".join(target.printed)}
    pages = logs.get_paginator("describe_log_groups").paginate()
    groups = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    events = 0
    for group in (name for name in groups if target.prefix in name):
        found = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
        messages = [event["message"] for page in found for event in page["events"]]
        texts[f"the log {group}"] = "\n".join(messages)
        events += len(messages)
    values = _secret_values(target)
    exposed = [f"{name} is in {where}" for where, text in texts.items() for name in values if values[name] in text]
    if exposed or not events:
        raise DisprovedError("; ".join(exposed) or f"No log of {target.prefix} has an event, so nothing was searched.")
    yield f"{len(values)} secret values are not in the state, nor in {len(target.printed)} outputs of Terraform"
    yield f"nor in {events} events of {len(texts) - 2} log groups, from an hour before on"


def _secret_values(target: Target) -> dict[str, str]:
    secrets = target.client("secretsmanager")
    arns = {**target.outputs["login_secret_arns"], "the master": target.instance["MasterUserSecret"]["SecretArn"]}
    values = {"the write token": target.token} if target.token else {}
    for login, arn in arns.items():
        for version in secrets.describe_secret(SecretId=arn)["VersionIdsToStages"]:
            content: Any = json.loads(secrets.get_secret_value(SecretId=arn, VersionId=version)["SecretString"])
            values[f"the password of {login} (version {version[:8]})"] = content["password"]
    return values
