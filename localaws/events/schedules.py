"""EventBridge Scheduler: schedules that are invoked on request.

moto stores schedules and never invokes them; waiting for hours is not an option either. ``POST
/_rehearsal/schedules/NAME/invoke`` does now what the schedule would do at its time, as the schedule's role: the role
must trust the scheduler for the schedule's group, and its policies must allow the invocation and the use of the
schedule's key. The target must be a function. It is invoked asynchronously with the schedule's input, with Lambda's own
retries.

Different from AWS: the schedule expression is ignored.
"""

from typing import Any

from moto.awslambda.models import lambda_backends
from moto.scheduler.models import Schedule, scheduler_backends

from localaws.iam.authorizer import Authorizer
from localaws.iam.evaluate import Request
from localaws.settings import Context

SERVICE = "scheduler.amazonaws.com"


class ScheduleError(Exception):
    """A schedule was not invoked; the message says why."""


class Schedules:
    """Invokes schedules. Holds no state."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._authorizer = Authorizer(context.settings, context.journal)

    def invoke_schedule(self, name: str) -> dict[str, Any]:
        """Invoke a schedule's target now and return what was invoked.

        Raises:
            ScheduleError: the schedule does not exist, its role lacks a permission, or its target is not
                a function.
        """
        schedule = self._find(name)
        target, group = schedule.target, f"schedule-group/{schedule.group_name}"
        if ":lambda:" not in target["Arn"]:
            raise ScheduleError(f"The schedule {name} targets {target['Arn']}; only functions are emulated.")
        group_arn = self._authorizer.context.arn("scheduler", group)
        trust = self._authorizer.trusts(target["RoleArn"], SERVICE, {"aws:SourceArn": group_arn})
        if not trust.allowed:
            raise ScheduleError(f"The role {target['RoleArn']} does not let {SERVICE} assume it: {trust.reason}.")
        # Scheduler decrypts the input as the role.
        # https://docs.aws.amazon.com/scheduler/latest/UserGuide/encryption-rest.html#key-management-cloud-trail
        own = {"kms:EncryptionContext:aws:scheduler:schedule:arn": schedule.arn}
        tags = self._authorizer.context.resource_tags
        requests = [Request("kms:Decrypt", key, own | tags(key)) for key in [schedule.kms_key_arn] if key]
        for request in [*requests, Request("lambda:InvokeFunction", target["Arn"])]:
            decision = self._authorizer.allows(target["RoleArn"], request)
            if not decision.allowed:
                reason = f"{request.action} is denied {decision.reason}"
                raise ScheduleError(f"The role {target['RoleArn']} cannot invoke {target['Arn']}: {reason}.")
        functions: Any = lambda_backends[self._context.settings.account_id][self._context.settings.region]
        event = target.get("Input") or "{}"
        functions.invoke(target["Arn"], None, event, {"X-Amz-Invocation-Type": "Event"}, {})
        self._context.journal.record("schedule.invoked", schedule=name, target=target["Arn"])
        return {"invoked": name, "target": target["Arn"]}

    def stop(self) -> None:
        """Do nothing: schedules run on request only."""

    def status(self) -> dict[str, Any]:
        """Return the schedules' expressions by name."""
        return {schedule.name: schedule.schedule_expression for schedule in self._all()}

    def _all(self) -> list[Schedule]:
        backend = scheduler_backends[self._context.settings.account_id][self._context.settings.region]
        return [schedule for group in backend.schedule_groups.values() for schedule in group.schedules.values()]

    def _find(self, name: str) -> Schedule:
        for schedule in self._all():
            if schedule.name == name:
                return schedule
        known = ", ".join(sorted(self.status())) or "none at all"
        raise ScheduleError(f"There is no schedule {name}; there is {known}.")
