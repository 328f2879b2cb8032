"""Patches of moto 5.2.5 for services without a package here: behaviour that a plan, an apply or a destroy relies on.

Each says what AWS does, what moto does, and where that is reported upstream ("not reported": a search found nothing, in
November 2026). Its test uses boto3, as Terraform's provider would. When moto is updated, remove each patch in turn: one
whose test still passes is no longer needed.
"""

import itertools
import json
import os
import re
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.core.responses import ActionResult
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.iam.access_control import PermissionResult
from moto.iam.models import IAMBackend, Role
from moto.iam.responses import IamResponse
from moto.s3.models import FakeBucket, FakeDeleteMarker
from moto.s3.responses import S3Response

from localaws.iam.authorizer import CALLER, Authorizer
from localaws.iam.evaluate import Request, decide, statements_of
from localaws.journal import Journal
from localaws.patch import PatchingService
from localaws.settings import Context


class MotoPatches(PatchingService):
    """The patches while they are applied."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._scalable_target_tags: dict[str, dict[str, str]] = {}

        self._keep_tags_of_scalable_targets()
        self._keep_descriptions_of_security_group_rules()
        self._evaluate_conditions_of_bucket_policies()
        self._delete_delete_markers()
        self._return_event_bridge_configuration_of_buckets()
        self._simulate_policies_of_roles()
        self._find_roles_while_others_are_created()

    def _find_roles_while_others_are_created(self) -> None:
        """A call is answered while another creates a role.

        moto looks up the caller's role at each call of any service, in a dictionary that CreateRole changes.

        Upstream: not reported; getmoto/moto#5881 is about the same lookup of accounts.
        """

        @self._patch.method(IAMBackend, "get_roles")
        def roles(_original: Callable[..., Any], backend: IAMBackend) -> list[Role]:
            return list(backend.roles.values())

    def _simulate_policies_of_roles(self) -> None:
        """SimulatePrincipalPolicy decides by a role's policies and boundary, without conditions on the request.

        moto does not have it. Statements that decide a simulation are not recorded as decisive.

        Upstream: not reported.
        """
        authorizer = Authorizer(self._context.settings, Journal(Path(os.devnull)))

        @self._patch.method(IamResponse, "simulate_principal_policy")
        def simulate(_original: Callable[..., Any], response: IamResponse) -> ActionResult:
            asked = {name: response._get_param(name) for name in ("PolicySourceArn", "ActionNames", "ResourceArns")}  # noqa: SLF001
            results = []
            for action, resource in itertools.product(asked["ActionNames"], asked["ResourceArns"] or ["*"]):
                decision = authorizer.allows(asked["PolicySourceArn"], Request(action, resource))
                denial = "explicitDeny" if "explicit deny" in decision.reason else "implicitDeny"
                named = {"EvalActionName": action, "EvalResourceName": resource}
                results.append({**named, "EvalDecision": "allowed" if decision.allowed else denial})
            return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    def _keep_descriptions_of_security_group_rules(self) -> None:
        """A rule keeps its description for every kind of source.

        moto keeps that of a rule with an IPv4 range only. Each plan would set it again.

        Upstream: not reported.
        """

        @self._patch.method(SecurityGroupRule, "__init__")
        def initialize(original: Callable[..., None], rule: SecurityGroupRule, *arguments: Any, **named: Any) -> None:
            original(rule, *arguments, **named)
            given = signature(original).bind(rule, *arguments, **named).arguments.get("prefix_list_id") or {}
            rule.__dict__["prefix_list_description"] = given.get("Description")

        def description(rule: SecurityGroupRule) -> str | None:
            known = [rule.ip_range.get("Description"), rule.source_group.get("Description")]
            # The rules of the default VPC are older than this patch.
            return next(filter(None, known), rule.__dict__.get("prefix_list_description"))

        self._patch.attribute(SecurityGroupRule, "description", property(description))

    def _evaluate_conditions_of_bucket_policies(self) -> None:
        """A statement of a bucket's policy counts only where its conditions hold.

        moto ignores conditions, so that a Deny of plain HTTP denies everything. Evaluated are statements whose
        principal is ``*``. Callers count as using TLS, as they do in AWS.

        Upstream: not reported; moto/iam/access_control.py has a TODO for conditions.
        """

        @self._patch.method(FakeBucket, "get_permission")
        def permission(
            _original: Callable[..., Any], bucket: FakeBucket, action: str, resource: str
        ) -> PermissionResult:
            if bucket.policy is None:
                return PermissionResult.NEUTRAL
            public = [
                statement
                for statement in statements_of(json.loads(bucket.policy))
                if statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
            ]
            caller = {"aws:PrincipalArn": CALLER.get(), "aws:SecureTransport": "true"}
            request = Request(action, resource, caller)
            if decide(public, request).allowed:
                return PermissionResult.PERMITTED
            everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
            if decide([*public, everything], request).allowed:
                return PermissionResult.NEUTRAL
            return PermissionResult.DENIED

    def _delete_delete_markers(self) -> None:
        """DeleteObjects removes the last version of an object even if that is a delete marker.

        Terraform empties a versioned bucket this way; moto disposes of the marker's content, which it does not have.

        Upstream: not reported.
        """
        self._patch.attribute(FakeDeleteMarker, "dispose", lambda _marker: None)

    def _return_event_bridge_configuration_of_buckets(self) -> None:
        """GetBucketNotificationConfiguration returns EventBridgeConfiguration; moto stores it and leaves it out.

        Upstream: getmoto/moto#7252 added the storing; the answer is not reported.
        """

        @self._patch.method(S3Response, "get_bucket_notification")
        def get(original: Callable[..., Any], response: S3Response) -> Any:
            status, headers, body = original(response)
            configuration = response.backend.get_bucket_notification_configuration(response.bucket_name)
            if configuration and configuration.event_bridge is not None:
                open_element = re.sub(r"/>$|</NotificationConfiguration>$", "", body).removesuffix(">") + ">"
                body = f"{open_element}<EventBridgeConfiguration/></NotificationConfiguration>"
            return status, headers, body

    def _keep_tags_of_scalable_targets(self) -> None:
        """ListTagsForResource of Application Auto Scaling, which moto lacks.

        Terraform's provider lists the tags of each target that it reads.

        Upstream: not reported.
        """
        tags = self._scalable_target_tags

        @self._patch.method(ApplicationAutoScalingResponse, "register_scalable_target")
        def register(original: Callable[..., str], response: ApplicationAutoScalingResponse) -> str:
            answer = original(response)
            given = json.loads(response.body).get("Tags")
            if given:
                tags.setdefault(json.loads(answer)["ScalableTargetARN"], {}).update(given)
            return answer

        @self._patch.method(ApplicationAutoScalingResponse, "list_tags_for_resource")
        def list_tags(_original: Callable[..., str], response: ApplicationAutoScalingResponse) -> str:
            return json.dumps({"Tags": tags.get(json.loads(response.body)["ResourceARN"], {})})
