"""Open questions of docs/aws-behaviours.md that a deployment can answer, and what the rehearsal assumes."""

import json
import uuid
from contextlib import suppress
from http.client import OK

from scripts.prove.account import subscribed
from scripts.prove.claim import DisprovedError, question
from scripts.prove.target import Target, wait_until

_ARRIVAL_SECONDS = 60
_GRANTORS = "SELECT DISTINCT pg_get_userbyid({}) FROM pg_auth_members WHERE {} ORDER BY 1"
_ROLES = "{}::regrole::text LIKE 'beers%'"
_REQUESTS = 60
# Answers health checks, and refuses connections as soon as it has answered another request.
_REFUSES = """
import http.server, os, time
class Once(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        if self.path == "/prove":
            self.server.server_close()
server = http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Once)
while server.fileno() >= 0:
    server.handle_request()
time.sleep(600)
"""


@question("RDS-2", "rdsadmin")
def grantors_of_rds_iam(target: Target) -> str:
    """Who is recorded as the grantor of rds_iam?"""
    rows = target.sql(_GRANTORS.format("grantor", "roleid = to_regrole('rds_iam') AND " + _ROLES.format("member")))
    return ", ".join(name for (name,) in rows or [])


@question("RDS-3", "the master")
def grantors_of_memberships(target: Target) -> str:
    """Who is recorded as the grantor of memberships in the roles of the document?"""
    rows = target.sql(_GRANTORS.format("grantor", _ROLES.format("roleid") + " AND " + _ROLES.format("member")))
    master = target.instance["MasterUsername"]
    return ", ".join("the master" if name == master else name for (name,) in rows or [])


@question("RDS-4", "yes")
def master_administers_its_roles(target: Target) -> str:
    """Has the master ADMIN OPTION on roles that it created?"""
    of_master = f"pg_get_userbyid(member) = '{target.instance['MasterUsername']}' AND admin_option"
    return "yes" if target.sql(_GRANTORS.format("roleid", f"{of_master} AND {_ROLES.format('roleid')}")) else "no"


@question("RDS-6", "rds.force_ssl: system, pending-reboot; password_encryption: system, pending-reboot")
def parameters_with_their_default(target: Target) -> str:
    """What does DescribeDBParameters say of a parameter that is set to its default?"""
    group = target.instance["DBParameterGroups"][0]["DBParameterGroupName"]
    pages = target.client("rds").get_paginator("describe_db_parameters").paginate(DBParameterGroupName=group)
    found = {one["ParameterName"]: one for page in pages for one in page["Parameters"]}
    names = ("rds.force_ssl", "password_encryption")
    return "; ".join(f"{name}: {found[name]['Source']}, {found[name]['ApplyMethod']}" for name in names)


@question("ECS-2", 'cpu 0, capabilities {"add": [], "drop": ["ALL"]}, empty: systemControls, volumesFrom')
def normalized_definition(target: Target) -> str:
    """What does ECS add to a container definition?"""
    arn = target.service().task_definition
    definition = target.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    (container,) = [one for one in definition["containerDefinitions"] if one["essential"]]
    capabilities = json.dumps(container["linuxParameters"].get("capabilities"), sort_keys=True)
    empty = sorted(name for name, value in container.items() if value == [])
    return f"cpu {container.get('cpu')}, capabilities {capabilities}, empty: {', '.join(empty)}"


@question("ECS-4", "IN_PROGRESS, then COMPLETED", 10, "Replaces the tasks")
def rollout_while_alarms_are_watched(target: Target) -> str:
    """What is rolloutState of a deployment whose tasks are all new, while its alarms are watched?"""
    seen: list[str] = []

    def is_complete() -> bool:
        now = target.service()
        if not now.others and now.running >= now.desired and now.rollout not in seen:
            seen.append(now.rollout)
        return now.rollout != "IN_PROGRESS"

    service = {"cluster": target.outputs["cluster_name"], "service": target.outputs["service_name"]}
    target.client("ecs").update_service(**service, forceNewDeployment=True)
    wait_until(is_complete, "the deployment is complete", 1800)
    return ", then ".join(seen)


@question("ELB-1", "502", 3, "Adds a target that refuses connections: some requests fail")
def refused_connection(target: Target) -> str:
    """How does the load balancer answer if a healthy target refuses the connection?"""
    elb, group = target.client("elbv2"), {"TargetGroupArn": target.outputs["target_group_arn"]}

    def status(path: str) -> int:
        return target.request("GET", path, None, {})[0]

    with target.task("tasks_running", _REFUSES, ["python", "-c", "pass"]) as task:
        details = {one["name"]: one["value"] for one in task["attachments"][0]["details"]}
        added = {**group, "Targets": [{"Id": details["privateIPv4Address"]}]}
        elb.register_targets(**added)
        try:
            elb.get_waiter("target_in_service").wait(**added, WaiterConfig={"Delay": 1, "MaxAttempts": 300})
            wait_until(lambda: status("/prove") == OK, "it was asked")
            found = {status("/livez") for _ in range(_REQUESTS)} - {OK}
        finally:
            elb.deregister_targets(**added)
    return ", ".join(map(str, sorted(found))) or "another target answers"


@question("EVENTS-2", "delivered")
def event_to_encrypted_topic(target: Target) -> str:
    """Does EventBridge reach the encrypted topic of alarms?"""
    events, topic = target.client("events"), target.outputs["alarm_topic_arns"][0]
    rule = f"{target.prefix}-prove-{uuid.uuid4().hex[:8]}"
    with subscribed(target.client, target.prefix, topic) as messages:
        events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
        try:
            events.put_targets(Rule=rule, Targets=[{"Id": "topic", "Arn": topic}])
            events.put_events(Entries=[{"Source": rule, "DetailType": "make prove asks", "Detail": "{}"}])
            with suppress(DisprovedError):
                wait_until(lambda: rule in str(messages()), "the event", _ARRIVAL_SECONDS)
            return "delivered" if rule in str(messages()) else "not delivered"
        finally:
            events.remove_targets(Rule=rule, Ids=["topic"])
            events.delete_rule(Name=rule)


@question("ECR-2", "application/vnd.oci.image.index.v1+json with annotations")
def index_of_image(target: Target) -> str:
    """Does BatchGetImage return an index as it was pushed?"""
    kinds = [f"{one.get('mediaType')}{' with annotations' * ('annotations' in one)}" for one in target.manifests()]
    return ", ".join(kinds)
