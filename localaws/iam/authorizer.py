"""Authorization: decide whether the role that makes a call is allowed to make it.

Calls with a role's temporary credentials (a function's, a task's, a deployment's) are checked against the role's
current policies, so that a missing permission fails here as it would in AWS. moto's own enforcement checks most
services against the resource ``*``, so that scoped statements never match.

Evaluated: inline and attached managed policies, the permissions boundary, and whether a key's policy lets IAM policies
decide. Not evaluated: other resource policies (of buckets, secrets), service control policies and session policies. A
call that only a resource policy allows is denied here, and one that only these deny is allowed. Calls with the
administrator's key are not authorized; calls with any other key, or without one, are refused.

The journal records each statement that decided a request on its own, once. A statement that is never recorded could be
removed, and nothing that was rehearsed would notice.
"""

import functools
import itertools
import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import replace

from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend, ManagedPolicy, iam_backends
from moto.kms.models import kms_backends
from moto.sts.models import AssumedRole, sts_backends

from localaws.concurrency import reading_moto
from localaws.http.call import Answer, ApiCall, error_answer
from localaws.iam.actions.required import required_permissions
from localaws.iam.context import context_of
from localaws.iam.evaluate import (
    Decision,
    Request,
    Statement,
    decide,
    decide_for_principals,
    decide_for_service,
    statements_of,
)
from localaws.journal import Journal
from localaws.settings import Settings

# The journal's name for the policy that says who can assume a role.
TRUST = "trust"
# The role whose call this thread handles; empty for the administrator.
CALLER: ContextVar[str] = ContextVar("CALLER", default="")
_GLOBAL = "aws"  # moto keeps resources without a region under the name of the partition


class Authorizer:
    """Authorizes calls by the policies of the local AWS's roles.

    Its only state is which statements it has recorded; each service can have its own.
    """

    def __init__(self, settings: Settings, journal: Journal) -> None:
        self._settings = settings
        self._journal = journal
        self._decisive: set[tuple[str, str, str]] = set()
        self.context = context_of(settings)

    @reading_moto
    def denial(self, call: ApiCall) -> Answer | None:
        """Return the refusal of a call, in its service's wire format; None if it is allowed."""
        CALLER.set("")
        if self._settings.administrator.is_key(call.access_key_id):
            return None
        session = self._session(call.access_key_id)
        if session is None:
            return _unauthenticated(call)
        CALLER.set(session.role_arn)
        region = {"aws:RequestedRegion": call.region}
        for needed in required_permissions(call, context_of(replace(self._settings, region=call.region))):
            request = replace(needed, context={**region, **needed.context})
            decision = self.allows(session.role_arn, request)
            if not decision.allowed:
                return self._denial(call, session.arn, request, decision)
        return None

    @reading_moto
    def allows(self, role_arn: str, request: Request) -> Decision:
        """Decide a request by a role's policies and by its permissions boundary, if it has one."""
        try:
            role = self._iam.get_role_by_arn(role_arn)
        except NotFoundException:
            return Decision(allowed=False, reason="because the role does not exist any more")
        context = {
            "aws:PrincipalAccount": self._settings.account_id,
            "aws:PrincipalArn": role_arn,
            "aws:RequestedRegion": self._settings.region,
            "aws:ResourceAccount": self._settings.account_id,
            # Callers of AWS use TLS. That this API does not, must not decide.
            "aws:SecureTransport": "true",
            **request.context,
        }
        request = Request(request.action, request.resource, context)
        if not self._key_policy_allows(role_arn, request):
            reason = f"because no resource-based policy allows the {request.action} action"
            return Decision(allowed=False, reason=reason)
        policies = {name: _statements(document) for name, document in role.policies.items()}
        policies |= {policy.name: _statements_of_managed(policy) for policy in role.managed_policies.values()}
        decision = decide(itertools.chain(*policies.values()), request)
        if decision.allowed and role.permissions_boundary_arn:
            boundary = self._iam.get_policy(role.permissions_boundary_arn)
            bounds = {boundary.name: _statements_of_managed(boundary)}
            bounded = decide(bounds[boundary.name], request)
            self._record_decisive(role.name, bounds, bounded, request)
            if not bounded.allowed:
                return Decision(
                    allowed=False,
                    reason=f"because no permissions boundary allows the {request.action} action",
                )
        self._record_decisive(role.name, policies, decision, request)
        return decision

    @reading_moto
    def trusts(self, role_arn: str, service: str, context: Mapping[str, str]) -> Decision:
        """Decide by a role's trust policy whether an AWS service can assume it.

        Args:
            role_arn: the role.
            service: the service's principal, ``lambda.amazonaws.com``.
            context: condition keys that the service sets, such as ``aws:SourceArn``.
        """
        try:
            role = self._iam.get_role_by_arn(role_arn)
        except NotFoundException:
            return Decision(allowed=False, reason="because the role does not exist")
        known = {"aws:SourceAccount": self._settings.account_id, **context}
        trust = _statements(role.assume_role_policy_document)
        request = Request("sts:AssumeRole", "*", known)
        decision = decide_for_service(trust, service, request)
        self._record_decisive(role.name, {TRUST: trust}, decision, request)
        return decision

    def allows_caller(self, access_key_id: str, request: Request) -> bool:
        """Return True if a request, which a service makes on its caller's behalf, is allowed."""
        session = self._session(access_key_id)
        return session is None or self.allows(session.role_arn, request).allowed

    def is_role(self, access_key_id: str) -> bool:
        """Return True if an access key belongs to a role's session, whose calls are authorized."""
        return self._session(access_key_id) is not None

    def caller_name(self, access_key_id: str) -> str:
        """Return the caller for the journal: ``role/session``, ``administrator``, or ``nobody`` without a known key."""
        if self._settings.administrator.is_key(access_key_id):
            return "administrator"
        session = self._session(access_key_id)
        return session.arn.partition("assumed-role/")[2] if session else "nobody"

    def _key_policy_allows(self, role_arn: str, request: Request) -> bool:
        """Return True unless a request is for a key whose policy names neither the role nor its account."""
        account, resource = self._settings.account_id, request.resource or ""
        if not request.action.startswith("kms:") or ":key/" not in resource:
            return True
        key = kms_backends[account][resource.split(":")[3]].keys.get(resource.rpartition(":key/")[2])
        if key is None:
            return True
        principals = {account, f"arn:aws:iam::{account}:root", role_arn, "*"}
        return decide_for_principals(_statements(key.policy), principals, request).allowed

    def _record_decisive(
        self, role: str, policies: Mapping[str, list[Statement]], decision: Decision, request: Request
    ) -> None:
        sid = (decision.decisive or {}).get("Sid")
        if sid is None:
            return
        policy = next(name for name, statements in policies.items() if decision.decisive in statements)
        if (role, policy, sid) not in self._decisive:
            self._decisive.add((role, policy, sid))
            self._journal.record("permission.decisive", role=role, policy=policy, statement=sid, action=request.action)

    @property
    def _iam(self) -> IAMBackend:
        return iam_backends[self._settings.account_id][_GLOBAL]

    def _session(self, access_key_id: str) -> AssumedRole | None:
        sts = sts_backends[self._settings.account_id][_GLOBAL]
        return sts.get_assumed_role_from_access_key(access_key_id)

    def _denial(self, call: ApiCall, caller: str, request: Request, decision: Decision) -> Answer:
        message = (
            f"User: {caller} is not authorized to perform: {request.action} "
            f"on resource: {request.resource or '*'} {decision.reason}"
        )
        self._journal.record("permission.denied", caller=caller, action=request.action, resource=request.resource)
        status, code = _DENIALS.get(call.protocol, (400, "AccessDeniedException"))
        return error_answer(call, status, code, message)


_DENIALS = {
    "ec2": (403, "UnauthorizedOperation"),
    "query": (403, "AccessDenied"),
    "rest-xml": (403, "AccessDenied"),
    "rest-json": (403, "AccessDeniedException"),
}

# The services' errors for an unknown access key.
_UNKNOWN_KEYS = {
    "ec2": (401, "AuthFailure", "AWS was not able to validate the provided access credentials"),
    "json": (400, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "query": (403, "InvalidClientTokenId", "The security token included in the request is invalid."),
    "rest-json": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "rest-xml": (403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."),
}


def _unauthenticated(call: ApiCall) -> Answer:
    if not call.access_key_id:
        return error_answer(call, 403, "MissingAuthenticationToken", "Request is missing Authentication Token")
    return error_answer(call, *_UNKNOWN_KEYS.get(call.protocol, _UNKNOWN_KEYS["query"]))


@functools.lru_cache(maxsize=1024)
def _statements(document: str) -> list[Statement]:
    return statements_of(json.loads(document))


def _statements_of_managed(policy: ManagedPolicy) -> list[Statement]:
    return _statements(next(version.document for version in policy.versions if version.is_default))
