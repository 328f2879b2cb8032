"""The API as a client meets it."""

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.support.local_aws import LocalAws
from tests.support.waiting import wait_until


def test_the_same_client_token_gives_the_same_resource_again(aws: LocalAws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    tables = {
        ec2.create_route_table(VpcId=vpc, ClientToken=token)["RouteTable"]["RouteTableId"]
        for token in ("once", "once", "once")
    }
    assert len(tables) == 1
    assert ec2.create_route_table(VpcId=vpc, ClientToken="other")["RouteTable"]["RouteTableId"] not in tables


@pytest.mark.aws("LOCAL-3")
@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code"),
    [
        pytest.param("kms", "create_key", {"KeyUsage": "NONE"}, "ValidationException", id="json"),
        pytest.param(
            "lambda",
            "put_function_event_invoke_config",
            {"FunctionName": "f", "MaximumRetryAttempts": 5},
            "ValidationException",
            id="rest-json",
        ),
        pytest.param("elbv2", "create_target_group", {"Name": "n", "Protocol": "FTP"}, "ValidationError", id="query"),
    ],
)
def test_a_request_that_the_model_does_not_allow_is_refused_and_recorded(
    aws: LocalAws, service: str, operation: str, arguments: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError, match="1 validation error detected: Value '") as caught:
        getattr(aws.client(service), operation)(**arguments)
    assert caught.value.response["Error"]["Code"] == code
    assert aws.journal("api.invalid")[-1]["service"] == service


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        pytest.param("ec2", "describe_fpga_images", {}, id="ec2"),
        pytest.param("rds", "describe_valid_db_instance_modifications", {"DBInstanceIdentifier": "x"}, id="query"),
        pytest.param("ecs", "list_services_by_namespace", {"namespace": "x"}, id="json"),
        pytest.param("lambda", "get_runtime_management_config", {"FunctionName": "x"}, id="rest-json"),
    ],
)
def test_an_operation_that_moto_lacks_is_refused_at_once_and_by_name(
    aws: LocalAws, service: str, operation: str, arguments: dict[str, str]
) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(aws.client(service), operation)(**arguments)
    answer = caught.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (501, "NotImplemented")
    assert "moto_patches.py" in answer["Error"]["Message"]


@pytest.mark.aws("S3-1")
def test_a_lock_file_is_written_only_once(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="locks")
    s3.put_object(Bucket="locks", Key="x.tflock", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket="locks", Key="x.tflock", Body=b"2", IfNoneMatch="*")


def test_a_signal_ends_it_with_everything_that_it_runs(tmp_path: Path) -> None:
    running = LocalAws(tmp_path)
    source = "import time\n\ndef handler(event, context):\n    time.sleep(600)\n"
    running.make_function("sleeper", source, "handlers.handler", Timeout=900)
    with ThreadPoolExecutor(1) as pool:
        invocation = pool.submit(running.client("lambda").invoke, FunctionName="sleeper")
        wait_until(lambda: running.journal("function.started"), "the function")
        worker = running.journal("function.started")[0]["pid"]
        assert psutil.pid_exists(worker)
        assert running.stop() == 0
        assert running.journal("server.stopped")
        assert not psutil.pid_exists(worker)
        assert invocation.result()["FunctionError"] == "Unhandled"


@pytest.mark.parametrize("option", ["--port", "--balancer-port", "--status-port"])
def test_a_port_that_is_taken_is_reported_with_the_remedy(option: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"--port": "0", "--balancer-port": "0", "--status-port": "0"}
        arguments = ["--run-directory", str(tmp_path), *chain(*{**ports, option: str(port)}.items())]
        ended = subprocess.run(
            [sys.executable, "-m", "localaws", *arguments],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 2
    assert f"argument {option}: cannot listen on 127.0.0.1:{port}: " in ended.stderr
    assert "choose another port" in ended.stderr
    assert "Traceback" not in ended.stderr
