"""Faults of a running deployment: what clients lose, which alarms reach the topic, and that the runbook's steps help.

docs/runbook.md lists every alarm with its fault and test. `pytest -rP` shows the figures that each test prints.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import botocore.exceptions
import pg8000.exceptions
import psutil
import pytest

from devtools.load import Load
from scripts.prove.account import subscribed
from tests.support.local_aws import allow
from tests.support.rehearsal import Rehearsal, connected, database_folder, denied, login, master, superuser
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

NAME = "taproom-dev"
CALLERS = 16
GIBIBYTE = 1024**3


@dataclass
class Watch:
    """The clients of a deployment that has a fault, when it began, and the topic's messages since."""

    rehearsal: Rehearsal
    load: Load
    received: Callable[[], list[str]]
    began_at: float = field(default_factory=time.monotonic)
    messages: list[str] = field(default_factory=list)

    @property
    def fired(self) -> set[str]:
        """Return the alarms that have begun."""
        alarms = [json.loads(text) for text in self.messages if text.startswith('{"AlarmName"')]
        return {alarm["AlarmName"].removeprefix(f"{NAME}-") for alarm in alarms if alarm["NewStateValue"] == "ALARM"}

    def wait_for(self, *alarms: str) -> None:
        """Wait until the topic has the messages of these alarms."""
        wait_until(lambda: self.receive() and set(alarms) <= self.fired, f"{alarms} to fire")

    def receive(self) -> list[str]:
        """Return all messages of the topic."""
        self.rehearsal.alarms()  # an alarm also changes without new data
        self.messages = self.received()
        return self.messages


@contextmanager
def watched(rehearsal: Rehearsal, *alarms: str, loses_requests: bool = False) -> Iterator[Watch]:
    """Send requests during the block, which causes a fault, waits for the alarms and ends it.

    At the end requests succeed again, the alarms are over, and every acknowledged beer exists.
    """
    wait_until(lambda: {rehearsal.alarms()[alarm] for alarm in alarms} == {"OK"}, f"{alarms} to be OK before the fault")
    with rehearsal.load(CALLERS) as load:
        load.wait_for(100)
        with subscribed(rehearsal.aws, NAME, rehearsal.outputs["alarm_topic_arns"][0]) as received:
            watch = Watch(rehearsal, load, received)
            yield watch
            ended_at, requests = time.monotonic(), load.requests
            wait_until(lambda: load.requests > requests + 200 and not any(sent.failed for sent in load.sent[-100:]))
    wait_until(lambda: {rehearsal.alarms()[alarm] for alarm in alarms} == {"OK"}, f"{alarms} to end")
    found = rehearsal.sql("SELECT count(*) FROM beers.beers WHERE name = ANY(:names)", names=load.added)
    assert found == [[len(load.added)]]
    lost = [sent.ended_at for sent in load.failures]
    recovered = f", the last {max(lost) - ended_at:+.1f} s after the fault ended" if lost else ""
    print(
        f"{ended_at - watch.began_at:.1f} s of fault: {len(lost)} of {load.requests} requests failed{recovered};"
        f" alarms: {', '.join(sorted(watch.fired))}"
    )
    assert loses_requests or not lost


def task_processes(rehearsal: Rehearsal) -> dict[str, int]:
    """Return the process group of each running task's service."""
    tasks = rehearsal.run.ask("status")["services"]["ecs"]["tasks"]
    return {task["id"]: task["pids"][0] for task in tasks if task["pids"] and task["status"] == "RUNNING"}


def finish_rotation(rehearsal: Rehearsal, token: str, *, until: str = "rotation.succeeded") -> None:
    """Ask for another attempt whenever Secrets Manager has given a rotation up, until it ends as wanted."""
    given_up = 0

    def has_ended() -> bool:
        nonlocal given_up
        ends = [event["kind"] for event in rehearsal.journal("rotation.") if event.get("version_id") == token]
        if until not in ends and ends.count("rotation.abandoned") > given_up:
            given_up += 1
            with pytest.raises(botocore.exceptions.ClientError, match="That rotation will be reattempted"):
                rehearsal.begin_rotation()
        return until in ends

    wait_until(has_ended, "the rotation")


def test_a_missing_permission_fails_a_rotation_notifies_the_topic_and_a_retry_succeeds(rehearsal: Rehearsal) -> None:
    sns, before = rehearsal.aws("sns"), login(rehearsal, "beers_app")
    topic = {"TopicArn": rehearsal.outputs["alarm_topic_arns"][0]}
    policy = sns.get_topic_attributes(**topic)["Attributes"]["Policy"]
    statements = [one for one in json.loads(policy)["Statement"] if "events.amazonaws.com" not in json.dumps(one)]

    def set_policy(text: str) -> None:
        sns.set_topic_attributes(**topic, AttributeName="Policy", AttributeValue=text)

    with watched(rehearsal, "rotation-errors", "rotation-failed-unsent") as watch:
        set_policy(json.dumps({**json.loads(policy), "Statement": statements}))
        permission = allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:rds!*")
        with denied(rehearsal, f"{NAME}-rotation", permission):
            token = rehearsal.begin_rotation()
            watch.wait_for("rotation-errors", "rotation-failed-unsent")
            assert not any("RotationFailed" in text for text in watch.messages), "EventBridge was refused"
            set_policy(policy)
            finish_rotation(rehearsal, token, until="rotation.abandoned")
            assert login(rehearsal, "beers_app") == before
            with pytest.raises(botocore.exceptions.ClientError, match="That rotation will be reattempted"):
                rehearsal.begin_rotation()
            failed = f"RotationFailed of {rehearsal.outputs['login_secret_arns']['beers_app']}"
            wait_until(lambda: any(failed in text and "setSecret" in text for text in watch.receive()), failed)
        finish_rotation(rehearsal, token)
    assert login(rehearsal, "beers_app")["username"] != before["username"]


def test_a_rotation_that_is_turned_off_fires_an_alarm_until_it_is_on_again(rehearsal: Rehearsal) -> None:
    secrets = rehearsal.aws("secretsmanager")
    arn = rehearsal.instance()["MasterUserSecret"]["SecretArn"]

    def check(state: str) -> None:
        # Two checks within the alarm's period are one to it.
        def has_state() -> bool:
            rehearsal.run.invoke_schedule(f"{NAME}-rotation-watch")
            return rehearsal.alarms()["rotation-overdue"] == state

        wait_until(has_state, f"a check to make the alarm {state}")

    check("OK")
    with watched(rehearsal, "rotation-overdue") as watch:
        secrets.cancel_rotate_secret(SecretId=arn)
        check("ALARM")
        watch.wait_for("rotation-overdue")
        secrets.rotate_secret(SecretId=arn, RotateImmediately=False)
        check("OK")


@pytest.mark.nightly
def test_connections_that_are_used_up_fire_an_alarm_until_their_sessions_are_ended(rehearsal: Rehearsal) -> None:
    with watched(rehearsal, "database-connections", loses_requests=True) as watch, connections_used_up(rehearsal):
        watch.wait_for("database-connections")
        end_sessions(rehearsal, master(rehearsal)["username"])


@contextmanager
def connections_used_up(rehearsal: Rehearsal) -> Iterator[None]:
    """Let the master take every connection, also those of the service."""
    credential, held = master(rehearsal), []
    try:
        for _ in range(2):
            with suppress(pg8000.exceptions.Error):  # the last one is refused
                while True:
                    one = ExitStack()
                    one.enter_context(connected(rehearsal, credential))
                    held.append(one)
            end_sessions(rehearsal, "beers\\_app\\__")
        yield
    finally:
        for one in held:
            with suppress(pg8000.exceptions.Error, OSError):  # its session may have been ended
                one.close()


def end_sessions(rehearsal: Rehearsal, user: str) -> None:
    rehearsal.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE :user", user=user)


@pytest.mark.aws("ELB-15", "EVENTS-17")
def test_a_failover_during_a_rotation_fires_an_alarm_replaces_no_task_and_both_recover(rehearsal: Rehearsal) -> None:
    tasks = task_processes(rehearsal)
    with watched(rehearsal, "budget-burn-fast", loses_requests=True) as watch:
        token = rehearsal.begin_rotation()
        wait_until(lambda: any(event["version_id"] == token for event in rehearsal.journal("rotation.step")))
        rehearsal.aws("rds").reboot_db_instance(DBInstanceIdentifier=NAME, ForceFailover=True)
        watch.wait_for("budget-burn-fast")
        finish_rotation(rehearsal, token)
    assert {sent.outcome for sent in watch.load.sent} <= {200, 201, 503}
    assert task_processes(rehearsal) == tasks


@pytest.mark.nightly
def test_a_database_that_is_silent_fires_an_alarm_and_the_service_recovers(rehearsal: Rehearsal) -> None:
    file = database_folder(rehearsal) / "data" / "postmaster.pid"
    main = psutil.Process(int(file.read_text().split()[0]))
    with watched(rehearsal, "budget-burn-fast", loses_requests=True) as watch:
        processes = [main, *main.children()]
        for process in processes:
            process.suspend()
        try:
            watch.wait_for("budget-burn-fast")
        finally:
            for process in processes:
                process.resume()


@pytest.mark.nightly
def test_a_slow_statement_fires_the_alarm_on_latency_and_fails_no_request(rehearsal: Rehearsal) -> None:
    with superuser(rehearsal) as connection, watched(rehearsal, "latency") as watch:
        body = "BEGIN PERFORM pg_sleep(1.2); RETURN NEW; END"
        connection.run(f"CREATE FUNCTION beers.slow() RETURNS trigger LANGUAGE plpgsql AS $${body}$$")
        connection.run("CREATE TRIGGER slow BEFORE INSERT ON beers.beers FOR EACH ROW EXECUTE FUNCTION beers.slow()")
        try:
            watch.wait_for("latency")
        finally:
            connection.run("DROP FUNCTION beers.slow CASCADE")


@pytest.mark.nightly
def test_throttling_by_secrets_manager_fails_a_rotation_and_no_request(rehearsal: Rehearsal) -> None:
    with watched(rehearsal, "rotation-errors") as watch:
        rehearsal.run.ask("throttles/secretsmanager", "POST")
        try:
            token = rehearsal.begin_rotation()
            watch.wait_for("rotation-errors")
        finally:
            rehearsal.run.ask("throttles/secretsmanager", "DELETE")
        finish_rotation(rehearsal, token)


@pytest.mark.nightly
def test_spot_capacity_that_is_taken_without_deregistration_fires_an_alarm_and_is_replaced(
    rehearsal: Rehearsal,
) -> None:
    before = task_processes(rehearsal)
    with watched(rehearsal, "load-balancer-errors", loses_requests=True) as watch:
        for group in before.values():
            os.killpg(group, signal.SIGKILL)
        watch.wait_for("load-balancer-errors")
        wait_until(lambda: len(task_processes(rehearsal).keys() - before.keys()) == len(before), "the replacements")


@pytest.mark.nightly
def test_a_task_that_hangs_fires_an_alarm_and_is_replaced(rehearsal: Rehearsal) -> None:
    task, group = next(iter(task_processes(rehearsal).items()))
    with watched(rehearsal, "unhealthy-hosts", loses_requests=True) as watch:
        os.killpg(group, signal.SIGSTOP)
        watch.wait_for("unhealthy-hosts")
        wait_until(lambda: task not in task_processes(rehearsal), "the replacement")


@pytest.mark.nightly
def test_tasks_that_cannot_start_fire_an_alarm_until_their_image_can_be_pulled(rehearsal: Rehearsal) -> None:
    group = next(iter(task_processes(rehearsal).values()))
    with watched(rehearsal, "tasks-missing", loses_requests=True) as watch:
        with denied(rehearsal, f"{NAME}-execution", allow("ecr:*")):
            os.killpg(group, signal.SIGKILL)
            watch.wait_for("tasks-missing")
        wait_until(lambda: len(task_processes(rehearsal)) > 1, "the replacement")


@pytest.mark.aws("RDS-28")
@pytest.mark.nightly
def test_a_database_that_is_full_fires_an_alarm_before_it_stops_and_more_storage_starts_it(
    rehearsal: Rehearsal,
) -> None:
    oid = rehearsal.sql("SELECT oid FROM pg_database WHERE datname = 'beers'")[0][0]
    # A file without blocks: pg_database_size counts its length.
    filler = database_folder(rehearsal) / "data" / "base" / str(oid) / "filler"
    filler.touch()
    try:
        with watched(rehearsal, "database-storage", loses_requests=True) as watch:
            os.truncate(filler, 19 * GIBIBYTE + GIBIBYTE // 2)
            watch.wait_for("database-storage")
            assert watch.load.failures == []
            os.truncate(filler, 20 * GIBIBYTE)
            watch.wait_for("target-errors")
            allocate(rehearsal, 40)
    finally:
        filler.unlink()
        allocate(rehearsal, 20)


def allocate(rehearsal: Rehearsal, gibibytes: int) -> None:
    rehearsal.aws("rds").modify_db_instance(
        DBInstanceIdentifier=NAME, AllocatedStorage=gibibytes, ApplyImmediately=True
    )


@pytest.mark.nightly
def test_a_function_that_hangs_fires_the_alarms_on_its_errors_and_its_duration(rehearsal: Rehearsal) -> None:
    function = f"{NAME}-rotation-watch"
    rehearsal.aws("lambda").invoke(FunctionName=function, Payload=b'{"overdue_after_days": {}}')
    with watched(rehearsal, "rotation-watch-duration", "rotation-watch-errors") as watch:
        workers = [psutil.Process(one["pid"]) for one in rehearsal.run.ask("status")["services"]["lambda"][function]]
        for worker in workers:
            worker.suspend()
        rehearsal.run.invoke_schedule(function)
        watch.wait_for("rotation-watch-duration", "rotation-watch-errors")
        for worker in workers:
            with suppress(psutil.NoSuchProcess):  # Lambda ended it
                worker.resume()


@pytest.mark.nightly
def test_checks_that_do_not_run_fire_alarms_until_they_do(rehearsal: Rehearsal) -> None:
    def unchecked() -> set[str]:
        found = rehearsal.alarms()
        return {found["access-not-verified"], found["rotation-not-watched"]}

    wait_until(lambda: unchecked() == {"ALARM"}, "thirteen hours, in minutes", 1200)
    for schedule in ("access-verify", "rotation-watch"):
        rehearsal.run.invoke_schedule(f"{NAME}-{schedule}")
    wait_until(lambda: unchecked() == {"OK"}, "the checks")
