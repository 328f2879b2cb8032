"""ECS services as Terraform and people meet them: tasks are processes behind a load balancer that answers."""

import contextlib
import http.client
import json
import os
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.support.ecs import LOG_GROUP, REPOSITORY, Site, log_of
from tests.support.local_aws import ACCOUNT_ID, REGION, SERVICES_WITH_TASKS, LocalAws
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    with LocalAws(tmp_path_factory.mktemp("run"), SERVICES_WITH_TASKS) as aws:
        yield Site(aws)


@pytest.fixture
def beers(site: Site) -> Iterator[str]:
    """A steady service of two tasks; its name."""
    name = "beers"
    site.create_service(name, site.register("1"))
    wait_until(lambda: site.is_steady(name), "a steady service")
    yield name
    site.delete_service(name)


def get(site: Site, path: str = "/") -> dict[str, str]:
    with urllib.request.urlopen(site.url + path, timeout=20) as answer:
        environment: dict[str, str] = json.load(answer)
        return environment


def test_a_steady_service_answers_through_the_load_balancer_with_each_of_its_tasks(site: Site, beers: str) -> None:
    ports = {get(site)["PORT"] for _ in range(8)}
    assert len(ports) == 2
    service = site.service(beers)
    assert (service["runningCount"], service["pendingCount"]) == (2, 0)
    deployment = service["deployments"][0]
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "COMPLETED")
    assert service["events"][0]["message"] == "(service beers) has reached a steady state."


def test_a_task_is_shown_as_what_it_is(site: Site, beers: str) -> None:
    for task in site.tasks(beers):
        assert (task["lastStatus"], task["group"], task["launchType"]) == ("RUNNING", "service:beers", "FARGATE")
        containers = {container["name"]: container for container in task["containers"]}
        assert (containers["migrate"]["lastStatus"], containers["migrate"]["exitCode"]) == ("STOPPED", 0)
        assert containers["app"]["lastStatus"] == "RUNNING"
        assert "exitCode" not in containers["app"]
        address = containers["app"]["networkInterfaces"][0]["privateIpv4Address"]
        assert address.startswith("10.0.")
    subnets = {task["attachments"][0]["details"][0]["value"] for task in site.tasks(beers)}
    assert subnets == set(site.subnet_ids)


def test_a_process_gets_the_environment_of_its_container_and_nothing_else(site: Site, beers: str) -> None:
    environment = get(site)
    assert environment["VERSION"] == "1"
    assert environment["HOST"] == "127.0.0.1"
    assert environment["AWS_ENDPOINT_URL"] == site.aws.endpoint
    assert environment["AWS_EXECUTION_ENV"] == "AWS_ECS_FARGATE"
    assert "LOGIN_SECRET" not in environment
    allowed = {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "HOST", "PORT", "VERSION", "LC_CTYPE"}
    assert {name for name in environment if not name.startswith("AWS_")} <= allowed


def test_the_process_acts_as_the_task_role(site: Site, beers: str) -> None:
    environment = get(site)
    sts = site.aws.client(
        "sts",
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment["AWS_SESSION_TOKEN"],
    )
    assert ":assumed-role/task/" in sts.get_caller_identity()["Arn"]


def test_output_stands_in_the_files_of_the_run_and_in_the_log_streams(site: Site, beers: str) -> None:
    task_id = site.tasks(beers)[0]["taskArn"].rsplit("/", 1)[1]
    assert log_of(site.aws.directory, f"{beers}-{task_id}-migrate") == "migrating with ['LOGIN_SECRET']\n"
    assert log_of(site.aws.directory, f"{beers}-{task_id}-app") == "serving version 1\n"
    logs = site.aws.client("logs")

    def shipped() -> list[str]:
        events = logs.get_log_events(logGroupName=LOG_GROUP, logStreamName=f"task/app/{task_id}")["events"]
        return [event["message"] for event in events]

    wait_until(shipped, "the log stream")
    assert shipped() == ["serving version 1"]


def test_no_secret_stands_in_the_run_directory(site: Site, beers: str) -> None:
    files = [path for path in site.aws.directory.rglob("*") if path.is_file()]
    assert [path for path in files if b"hunter2" in path.read_bytes()] == []


class Load:
    """32 clients that ask in all ways, on kept connections, until they are told to stop."""

    def __init__(self, site: Site) -> None:
        self._where = urlsplit(site.url).netloc
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(32)
        self._clients = [self._pool.submit(self._ask, number) for number in range(32)]

    def _ask(self, number: int) -> Counter[Any]:
        answers: Counter[Any] = Counter()
        connection = http.client.HTTPConnection(self._where, timeout=30)
        while not self._stop.wait(0.02):
            method, path, body = [("GET", "/", None), ("POST", "/", b"{}"), ("GET", "/slow", None)][
                (number + answers.total()) % 3
            ]
            connection.request(method, path, body)
            answer = connection.getresponse()
            version = json.loads(answer.read()).get("VERSION") if answer.status == 200 else None
            answers[answer.status, version] += 1
        connection.close()
        return answers

    def finish(self) -> Counter[Any]:
        """Stop, and count the answers by status and version."""
        self._stop.set()
        total: Counter[Any] = Counter()
        for client in self._clients:
            total += client.result()
        self._pool.shutdown()
        return total


def test_a_rolling_deployment_under_load_loses_no_request(site: Site, beers: str) -> None:
    load = Load(site)
    try:
        before = {task["taskArn"] for task in site.tasks(beers)}
        site.ecs.update_service(cluster="taproom", service=beers, taskDefinition=site.register("2"))
        assert len(site.service(beers)["deployments"]) == 2
        wait_until(lambda: site.is_steady(beers), "the second version")
        site.ecs.update_service(cluster="taproom", service=beers, forceNewDeployment=True)
        wait_until(lambda: site.is_steady(beers), "new tasks of the second version")
        assert not before & {task["taskArn"] for task in site.tasks(beers)}
    finally:
        answers = load.finish()
    assert set(answers) == {(200, "1"), (200, "2")}
    assert get(site)["VERSION"] == "2"
    stopped = [task for task in site.tasks(beers, "STOPPED") if task["taskArn"] in before]
    assert {task["stopCode"] for task in stopped} == {"ServiceSchedulerInitiated"}


@pytest.mark.aws("ECS-2", "ECS-3")
def test_tasks_show_their_capacity_provider_and_ecs_stores_defaults(site: Site, beers: str) -> None:
    definition = site.register("2", linuxParameters={"capabilities": {"drop": ["ALL"]}})
    site.ecs.update_service(
        cluster="taproom",
        service=beers,
        taskDefinition=definition,
        capacityProviderStrategy=[
            {"capacityProvider": "FARGATE", "base": 1, "weight": 1},
            {"capacityProvider": "FARGATE_SPOT", "weight": 100},
        ],
    )
    wait_until(lambda: site.is_steady(beers), "tasks on both capacity providers")
    assert {task["capacityProviderName"] for task in site.tasks(beers)} == {"FARGATE", "FARGATE_SPOT"}
    described = site.ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"]
    app = described["containerDefinitions"][1]
    assert app["linuxParameters"]["capabilities"] == {"add": [], "drop": ["ALL"]}


def test_scaling_out_and_in_changes_the_number_of_tasks_under_load(site: Site, beers: str) -> None:
    load = Load(site)
    try:
        for count in (3, 1):
            site.ecs.update_service(cluster="taproom", service=beers, desiredCount=count)
            wait_until(lambda: site.is_steady(beers), f"{count} tasks")
            assert len(site.tasks(beers)) == count
            assert len(site.service(beers)["deployments"]) == 1
    finally:
        answers = load.finish()
    assert set(answers) == {(200, "1")}


@pytest.mark.aws("ECS-11")
def test_a_failing_migration_trips_the_circuit_breaker_and_the_old_version_goes_on(site: Site, beers: str) -> None:
    before = site.service(beers)["taskDefinition"]
    site.ecs.update_service(cluster="taproom", service=beers, taskDefinition=site.register("2", migrate_exit_code=3))
    wait_until(lambda: site.is_steady(beers), "the end of the rollback")
    service = site.service(beers)
    assert service["taskDefinition"] == before
    deployment = service["deployments"][0]
    assert deployment["rolloutState"] == "COMPLETED"
    assert get(site)["VERSION"] == "1"
    messages = [event["message"] for event in service["events"]]
    assert any("deployment failed: tasks failed to start." in message for message in messages)
    failures = [message for message in messages if "Container migrate exited with code 3" in message]
    assert len(failures) in (3, 4)  # two start at a time, and three failures suffice
    log = failures[0].rsplit("see ", 1)[1]
    assert "-migrate.log" in log
    stopped = [task for task in site.tasks(beers, "STOPPED") if task["stopCode"] == "TaskFailedToStart"]
    assert {
        container["exitCode"] for task in stopped for container in task["containers"] if "exitCode" in container
    } == {3}


@pytest.mark.aws("ECS-14")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"image": f"{REPOSITORY}@sha256:{'0' * 64}"}, "CannotPullContainerError", id="image"),
        pytest.param({"command": ["no-such-program"]}, "CannotStartContainerError", id="program"),
        pytest.param({"command": ["python", "-c", "raise SystemExit(9)"]}, "container app, exit code 9", id="exit"),
        pytest.param(
            {
                "secrets": [
                    {"name": "S", "valueFrom": "arn:aws:secretsmanager:us-east-1:123456789012:secret:other-AbCdEf"}
                ]
            },
            "not authorized to perform: secretsmanager:GetSecretValue",
            id="permission",
        ),
        pytest.param(
            {
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/missing", "awslogs-stream-prefix": "task", "awslogs-region": REGION},
                }
            },
            "failed to create Cloudwatch log stream",
            id="log",
        ),
        pytest.param(
            {"task_role_arn": f"arn:aws:iam::{ACCOUNT_ID}:role/nobody"},
            "ECS was unable to assume the role",
            id="role",
        ),
    ],
)
def test_what_keeps_a_task_from_starting_is_said_in_the_events(
    site: Site, beers: str, changes: dict[str, Any], reason: str
) -> None:
    site.ecs.update_service(cluster="taproom", service=beers, taskDefinition=site.register("2", **changes))
    wait_until(lambda: any(reason in event["message"] for event in site.service(beers)["events"]), reason)
    wait_until(lambda: site.is_steady(beers), "the end of the rollback")
    assert get(site)["VERSION"] == "1"


def test_a_version_that_never_gets_healthy_is_rolled_back(site: Site, beers: str) -> None:
    unhealthy = site.register("2", environment={"UNHEALTHY": "1"})
    site.ecs.update_service(cluster="taproom", service=beers, taskDefinition=unhealthy)
    wait_until(lambda: site.is_steady(beers), "the end of the rollback", seconds=120)
    messages = [event["message"] for event in site.service(beers)["events"]]
    assert any("Health checks failed with these codes: [503]" in message for message in messages)
    assert get(site)["VERSION"] == "1"


@pytest.mark.aws("ECS-12")
def test_a_healthy_version_that_answers_with_errors_is_rolled_back_by_its_alarm(site: Site, beers: str) -> None:
    before = site.service(beers)["taskDefinition"]
    balancer = site.elb.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    site.aws.client("cloudwatch").put_metric_alarm(
        AlarmName="errors",
        Namespace="AWS/ApplicationELB",
        MetricName="HTTPCode_Target_5XX_Count",
        Dimensions=[
            {"Name": "LoadBalancer", "Value": balancer.partition("loadbalancer/")[2]},
            {"Name": "TargetGroup", "Value": site.group_arn.rpartition(":")[2]},
        ],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=3,
        DatapointsToAlarm=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
    )
    site.ecs.update_service(
        cluster="taproom",
        service=beers,
        taskDefinition=site.register("broken", environment={"BROKEN": "yes"}),
        deploymentConfiguration={
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True},
        },
    )

    def is_over() -> bool:
        with contextlib.suppress(urllib.error.HTTPError):
            get(site)
        return site.service(beers)["taskDefinition"] == before and site.is_steady(beers)

    wait_until(lambda: site.service(beers)["taskDefinition"] != before, "the deployment")
    wait_until(is_over, "the end of the rollback")
    service = site.service(beers)
    messages = [event["message"] for event in service["events"]]
    assert any("deployment failed: errors is in ALARM." in message for message in messages)
    assert get(site)["VERSION"] == "1"


def test_a_task_that_dies_is_replaced(site: Site, beers: str) -> None:
    before = {task["taskArn"] for task in site.tasks(beers)}
    with pytest.raises(urllib.error.HTTPError, match="502"):
        get(site, "/die")
    wait_until(lambda: len(before & {task["taskArn"] for task in site.tasks(beers)}) == 1, "the death of one task")
    wait_until(lambda: site.is_steady(beers), "a replacement")
    (dead,) = [task for task in site.tasks(beers, "STOPPED") if task["taskArn"] in before]
    assert dead["stopCode"] == "EssentialContainerExited"
    assert "container app, exit code 7" in dead["stoppedReason"]


def test_a_stopped_task_is_replaced(site: Site, beers: str) -> None:
    task = site.tasks(beers)[0]["taskArn"]
    site.ecs.stop_task(cluster="taproom", task=task, reason="by hand")
    wait_until(lambda: site.is_steady(beers) and len(site.tasks(beers)) == 2, "a replacement")
    (stopped,) = [one for one in site.tasks(beers, "STOPPED") if one["taskArn"] == task]
    wait_until(
        lambda: site.ecs.describe_tasks(cluster="taproom", tasks=[task])["tasks"][0]["lastStatus"] == "STOPPED", ""
    )
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("UserInitiated", "by hand")


def test_a_container_that_fails_its_own_health_check_is_replaced(site: Site, beers: str) -> None:
    check = {"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 1}
    site.ecs.update_service(cluster="taproom", service=beers, taskDefinition=site.register("2", healthCheck=check))
    reason = "Task failed container health checks (container app)"
    wait_until(lambda: any(reason in event["message"] for event in site.service(beers)["events"]), reason)
    wait_until(lambda: site.is_steady(beers), "the end of the rollback")
    assert get(site)["VERSION"] == "1"


def test_a_container_shows_the_health_that_its_own_check_finds(site: Site, beers: str) -> None:
    program = "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health')"
    check = {"command": ["CMD", "python", "-c", program], "interval": 5}
    site.ecs.update_service(cluster="taproom", service=beers, taskDefinition=site.register("2", healthCheck=check))
    wait_until(lambda: site.is_steady(beers) and get(site)["VERSION"] == "2", "the second version")
    assert {task["healthStatus"] for task in site.tasks(beers)} == {"HEALTHY"}


def test_a_lone_task_runs_once_with_its_overrides(site: Site) -> None:
    definition = site.register("1")
    override = {"name": "app", "command": ["python", "-c", "import os; print(os.environ['EXTRA'])"]}
    override_environment = [{"name": "EXTRA", "value": "from the caller"}]
    started = site.ecs.run_task(
        cluster="taproom",
        taskDefinition=definition,
        launchType="FARGATE",
        networkConfiguration=site.network,
        overrides={"containerOverrides": [{**override, "environment": override_environment}]},
    )["tasks"][0]["taskArn"]

    def task() -> dict[str, Any]:
        described: dict[str, Any] = site.ecs.describe_tasks(cluster="taproom", tasks=[started])["tasks"][0]
        return described

    wait_until(lambda: task()["lastStatus"] == "STOPPED", "the end of the task")
    assert {container["name"]: container["exitCode"] for container in task()["containers"]} == {"migrate": 0, "app": 0}
    task_id = started.rsplit("/", 1)[1]
    assert log_of(site.aws.directory, f"taproom-{task_id}-app") == "from the caller\n"


def test_a_deleted_service_leaves_no_process_no_target_and_no_network_interface(site: Site) -> None:
    site.create_service("passing", site.register("1"))
    wait_until(lambda: site.is_steady("passing"), "a steady service")
    started = [
        event["pid"] for event in site.aws.journal("task.container_started") if event["group"] == "service:passing"
    ]
    site.ecs.update_service(cluster="taproom", service="passing", desiredCount=0)
    site.delete_service("passing")
    assert [pid for pid in started if psutil.pid_exists(pid)] == []
    assert site.elb.describe_target_health(TargetGroupArn=site.group_arn)["TargetHealthDescriptions"] == []
    interfaces = site.aws.client("ec2").describe_network_interfaces()["NetworkInterfaces"]
    assert [one for one in interfaces if one["Description"].startswith("ECS task")] == []


@pytest.mark.parametrize(
    ("container", "port", "message"),
    [
        pytest.param("web", 8000, "did not have a container port", id="container"),
        pytest.param("app", 9000, "did not have a container port", id="port"),
    ],
)
def test_a_port_that_no_container_has_is_refused(site: Site, container: str, port: int, message: str) -> None:
    with pytest.raises(ClientError, match=message):
        site.ecs.create_service(
            cluster="taproom",
            serviceName="wrong",
            taskDefinition=site.register("1"),
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration=site.network,
            loadBalancers=[{"targetGroupArn": site.group_arn, "containerName": container, "containerPort": port}],
        )


def test_a_target_group_without_a_load_balancer_is_refused(site: Site) -> None:
    lonely = site.elb.create_target_group(
        Name="lonely", Protocol="HTTP", Port=8000, VpcId=site.vpc_id, TargetType="ip"
    )["TargetGroups"][0]["TargetGroupArn"]
    with pytest.raises(ClientError, match="does not have an associated load balancer"):
        site.ecs.create_service(
            cluster="taproom",
            serviceName="wrong",
            taskDefinition=site.register("1"),
            desiredCount=1,
            launchType="FARGATE",
            networkConfiguration=site.network,
            loadBalancers=[{"targetGroupArn": lonely, "containerName": "app", "containerPort": 8000}],
        )


def test_a_second_service_of_the_same_name_is_refused(site: Site, beers: str) -> None:
    with pytest.raises(ClientError, match="not idempotent"):
        site.create_service(beers, site.register("1"))
