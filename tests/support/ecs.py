"""Create an ECS service's prerequisites through the API of a local AWS: network, roles, image, logs, load balancer."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from tests.support.local_aws import ACCOUNT_ID, REGION, LocalAws, allow
from tests.support.waiting import wait_until

REGISTRY = f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com"
REPOSITORY = f"{REGISTRY}/taproom"
LOG_GROUP = "/ecs/taproom"

# Ends at once when asked to: a client that loses a request to it was not drained.
SERVER = """
import http.server, json, os, signal, sys, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/slow":
            time.sleep(0.1)
        if self.path == "/die":
            os._exit(7)
        failing = "UNHEALTHY" if self.path == "/health" else "BROKEN"
        status = 503 if os.environ.get(failing) else 200
        body = json.dumps(dict(os.environ)).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
    def log_message(self, *arguments):
        pass
class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
server = Server((os.environ["HOST"], int(os.environ["PORT"])), Handler)
def end(*_):
    print("ending", flush=True)
    threading.Thread(target=server.shutdown).start()
signal.signal(signal.SIGTERM, end)
print("serving version", os.environ.get("VERSION"), flush=True)
server.serve_forever(poll_interval=0.02)
"""
MIGRATE = """
import os
print("migrating with", [name for name in os.environ if name.endswith("_SECRET")], flush=True)
"""


class Site:
    """A cluster with everything a service needs.

    Args:
        aws: the local AWS.
        health_check: the target group's settings.

    Attributes:
        image: reference of an image whose command serves HTTP on PORT.
        group_arn: the target group behind the load balancer.
        secret_arn: a secret with a password in it.
    """

    def __init__(self, aws: LocalAws, **health_check: Any) -> None:
        self.aws = aws
        self.ecs, self.elb = aws.client("ecs"), aws.client("elbv2")
        self.image = self.add_image({"server.py": SERVER, "migrate.py": MIGRATE}, ["python", "server.py"])
        secrets = aws.client("secretsmanager")
        self.secret_arn: str = secrets.create_secret(
            Name="login", SecretString='{"username": "beers_app_a", "password": "hunter2"}'
        )["ARN"]
        self.execution_role_arn = aws.make_role(
            "execution",
            allow("ecr:GetAuthorizationToken"),
            allow(
                ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                f"arn:aws:ecr:{REGION}:{ACCOUNT_ID}:repository/taproom",
            ),
            allow(
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:{LOG_GROUP}:*",
            ),
            allow("secretsmanager:GetSecretValue", self.secret_arn),
            service="ecs-tasks.amazonaws.com",
        )
        self.task_role_arn = aws.make_role("task", service="ecs-tasks.amazonaws.com")
        aws.client("logs").create_log_group(logGroupName=LOG_GROUP)
        ec2 = aws.client("ec2")
        self.vpc_id, self.subnet_ids = make_network(ec2)
        security_group = ec2.create_security_group(GroupName="service", Description="d", VpcId=self.vpc_id)["GroupId"]
        self.network = {"awsvpcConfiguration": {"subnets": self.subnet_ids, "securityGroups": [security_group]}}
        _, self.group_arn, _ = make_load_balancer(self.elb, self.vpc_id, self.subnet_ids, **health_check)
        self.ecs.create_cluster(clusterName="taproom")

    def add_image(self, files: dict[str, str], command: Sequence[str]) -> str:
        """Put an image into the store; its reference."""
        digest = hashlib.sha256(json.dumps([files, list(command)]).encode()).hexdigest()
        folder = self.aws.directory / "images" / digest
        (folder / "root").mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / "root" / name).write_text(text)
        (folder / "image.json").write_text(json.dumps({"command": list(command)}))
        return f"{REPOSITORY}@sha256:{digest}"

    def register(self, version: str = "1", **changes: Any) -> str:
        """Register a task definition: `migrate`, then `app`. ``changes`` are merged into `app`; its ARN.

        ``task_role_arn`` is another role to act as.
        """
        log = {
            "logDriver": "awslogs",
            "options": {"awslogs-group": LOG_GROUP, "awslogs-region": REGION, "awslogs-stream-prefix": "task"},
        }
        task_role_arn = changes.pop("task_role_arn", self.task_role_arn)
        migrate = {
            "name": "migrate",
            "image": self.image,
            "command": ["python", "migrate.py"],
            "essential": False,
            "secrets": [{"name": "LOGIN_SECRET", "valueFrom": self.secret_arn}],
            "logConfiguration": log,
        }
        environment = {"VERSION": version, "PORT": "8000", **changes.pop("environment", {})}
        app = {
            "name": "app",
            "image": self.image,
            "essential": True,
            "dependsOn": [{"containerName": "migrate", "condition": "SUCCESS"}],
            "portMappings": [{"containerPort": 8000, "protocol": "tcp"}],
            "environment": [{"name": name, "value": value} for name, value in environment.items()],
            "logConfiguration": log,
            "stopTimeout": 30,
            **changes,
        }
        registered = self.ecs.register_task_definition(
            family="taproom",
            requiresCompatibilities=["FARGATE"],
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            executionRoleArn=self.execution_role_arn,
            taskRoleArn=task_role_arn,
            containerDefinitions=[migrate, app],
        )
        arn: str = registered["taskDefinition"]["taskDefinitionArn"]
        return arn

    def create_service(self, name: str, task_definition: str, count: int = 2, **balancer: Any) -> None:
        """Create a service behind the load balancer, unless ``balancer`` says otherwise, with the circuit breaker."""
        behind = {"targetGroupArn": self.group_arn, "containerName": "app", "containerPort": 8000, **balancer}
        self.ecs.create_service(
            cluster="taproom",
            serviceName=name,
            taskDefinition=task_definition,
            desiredCount=count,
            launchType="FARGATE",
            networkConfiguration=self.network,
            loadBalancers=[behind],
            deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}},
        )

    def service(self, name: str) -> dict[str, Any]:
        described: dict[str, Any] = self.ecs.describe_services(cluster="taproom", services=[name])["services"][0]
        return described

    def is_steady(self, name: str) -> bool:
        """Terraform's question: one deployment, and as many tasks running as desired."""
        service = self.service(name)
        return len(service["deployments"]) == 1 and service["runningCount"] == service["desiredCount"]

    def tasks(self, name: str, desired_status: str = "RUNNING") -> list[dict[str, Any]]:
        arns = self.ecs.list_tasks(cluster="taproom", serviceName=name, desiredStatus=desired_status)["taskArns"]
        described: list[dict[str, Any]] = (
            self.ecs.describe_tasks(cluster="taproom", tasks=arns)["tasks"] if arns else []
        )
        return described

    def delete_service(self, name: str) -> None:
        """Delete a service and wait until it has drained."""
        self.ecs.delete_service(cluster="taproom", service=name, force=True)
        wait_until(lambda: self.service(name)["status"] == "INACTIVE", "an inactive service")

    @property
    def url(self) -> str:
        listeners = self.aws.ask("status")[1]["services"]["elbv2"]["listeners"]
        url: str = listeners[0]["url"]
        return url


def make_network(ec2: Any) -> tuple[str, list[str]]:
    """Make a VPC with a subnet in each of two zones; return their ids."""
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc_id, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")["Subnet"]
        for n, zone in enumerate("ab")
    ]
    return vpc_id, [subnet["SubnetId"] for subnet in subnets]


def make_load_balancer(elb: Any, vpc_id: str, subnet_ids: list[str], **settings: Any) -> tuple[str, str, str]:
    """Make a load balancer whose listener forwards to a group with these settings; return the ARNs of all three."""
    balancer = elb.create_load_balancer(Name="taproom", Subnets=subnet_ids)["LoadBalancers"][0]["LoadBalancerArn"]
    checks = {"HealthCheckPath": "/health", "HealthCheckIntervalSeconds": 5, "UnhealthyThresholdCount": 2, **settings}
    target = {"Protocol": "HTTP", "Port": 8000, "TargetType": "ip"}
    group = elb.create_target_group(Name="app", VpcId=vpc_id, **target, **checks)["TargetGroups"][0]["TargetGroupArn"]
    forward = {"Type": "forward", "TargetGroupArn": group}
    listener = elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[forward])
    return balancer, group, listener["Listeners"][0]["ListenerArn"]
