"""Functions run from their zips, as Lambda runs them."""

import json
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.local_aws import LocalAws, allow, unique
from tests.support.waiting import wait_until

LOGS = allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
SOURCE = """
import json
import logging
import os
import sys
import time

CALLS = 0
logging.getLogger().setLevel("INFO")


def echo(event, context):
    global CALLS
    CALLS += 1
    print("printed by echo")
    logging.info("logged by echo")
    return {
        "event": event,
        "calls": CALLS,
        "request_id": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "remaining": context.get_remaining_time_in_millis(),
        "environment": dict(os.environ),
        "path": sys.path,
        "version": context.function_version,
    }


def fail(event, context):
    raise ValueError("the beer is warm")


def sleep(event, context):
    print("going to sleep", flush=True)
    time.sleep(event["seconds"])
    return time.time()


def imports(event, context):
    found = {}
    for name in event:
        try:
            __import__(name)
            found[name] = True
        except ImportError:
            found[name] = False
    return found
"""


@pytest.fixture
def deploy(aws: LocalAws) -> Callable[..., str]:
    """Creates a function of this module's source; its name."""

    def create(handler: str, *, source: str = SOURCE, role: str | None = None, **settings: Any) -> str:
        name = unique(handler.rpartition(".")[2])
        handler = handler if "." in handler else f"handlers.{handler}"
        aws.make_function(name, source, handler, Role=role, **settings)
        return name

    return create


def invoke(aws: LocalAws, name: str, event: Any = None, **options: Any) -> tuple[Any, dict[str, Any]]:
    answer = aws.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event), **options)
    return json.loads(answer["Payload"].read()), answer


def test_nothing_of_the_machines_environment_reaches_a_function(aws: LocalAws, deploy: Callable[..., str]) -> None:
    environment = invoke(aws, deploy("echo"))[0]["environment"]
    assert not {"AWS_CA_BUNDLE", "AWS_PROFILE", "HTTPS_PROXY", "PYTHONPATH", "VIRTUAL_ENV"} & set(environment)
    assert environment["AWS_ENDPOINT_URL"] == aws.endpoint


def test_a_function_imports_its_zip_and_boto3_and_nothing_else(aws: LocalAws, deploy: Callable[..., str]) -> None:
    found, _ = invoke(aws, deploy("imports"), ["handlers", "boto3", "botocore", "pg8000", "flask", "rehearsal", "moto"])
    assert found == {
        "handlers": True,
        "boto3": True,
        "botocore": True,
        "pg8000": False,
        "flask": False,
        "rehearsal": False,
        "moto": False,
    }


def test_an_exception_is_an_unhandled_error_with_its_trace(aws: LocalAws, deploy: Callable[..., str]) -> None:
    result, answer = invoke(aws, deploy("fail"))
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert (result["errorType"], result["errorMessage"]) == ("ValueError", "the beer is warm")
    assert 'raise ValueError("the beer is warm")' in result["stackTrace"][-1]


def test_a_timeout_ends_the_process_and_the_next_invocation_works(aws: LocalAws, deploy: Callable[..., str]) -> None:
    name = deploy("sleep", Timeout=3)
    result, _ = invoke(aws, name, {"seconds": 60})
    assert result["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 3.00 seconds" in result["errorMessage"]
    assert "going to sleep" in (aws.directory / "logs" / "functions" / f"{name}.log").read_text()
    assert "FunctionError" not in invoke(aws, name, {"seconds": 0})[1]


@pytest.mark.parametrize(
    ("handler", "source", "error"),
    [
        ("nowhere.handler", SOURCE, "Runtime.ImportModuleError: Unable to import module 'nowhere'"),
        ("handlers.echo", "raise RuntimeError('no hops')", "RuntimeError: no hops"),
    ],
)
def test_a_handler_that_cannot_be_loaded_says_why(
    aws: LocalAws, deploy: Callable[..., str], handler: str, source: str, error: str
) -> None:
    result, answer = invoke(aws, deploy(handler, source=source))
    assert answer["FunctionError"] == "Unhandled"
    assert f"{result['errorType']}: {result['errorMessage']}".startswith(error)


@pytest.mark.aws("LAMBDA-10", "EVENTS-2")
@pytest.mark.parametrize("may_use_the_key", [True, False])
def test_an_event_whose_attempts_failed_is_published_to_an_encrypted_topic_by_a_role_that_can_use_its_key(
    aws: LocalAws,
    deploy: Callable[..., str],
    may_use_the_key: bool,
) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    topic, queue = aws.make_topic(KmsMasterKeyId=key)
    may = [LOGS, allow("sns:Publish", topic)]
    for_topic = {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": topic}}
    if may_use_the_key:
        may.append(allow(["kms:GenerateDataKey", "kms:Decrypt"], key, Condition=for_topic))
    role = aws.make_role(unique("async"), *may)
    name = deploy("fail", role=role, DeadLetterConfig={"TargetArn": topic})
    aws.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"beer": 1}')
    wait_until(lambda: any(event["function"] == name for event in aws.journal("function.retries_exhausted")))
    assert [json.loads(message) for message in aws.messages(queue)] == ([{"beer": 1}] if may_use_the_key else [])
    assert sum(event["function"] == name for event in aws.journal("function.invoked")) == 3


@pytest.mark.aws("LAMBDA-11")
def test_the_role_of_a_function_must_be_able_to_publish_dead_letters(deploy: Callable[..., str]) -> None:
    with pytest.raises(ClientError, match="does not have permissions to call Publish on SNS"):
        deploy("echo", DeadLetterConfig={"TargetArn": "arn:aws:sns:us-east-1:123456789012:dead"})


@pytest.mark.aws("LAMBDA-16")
def test_variables_of_more_than_4_kb_are_refused(deploy: Callable[..., str]) -> None:
    deploy("echo", Environment={"Variables": {"FITS": "x" * 4085}})
    with pytest.raises(ClientError, match="exceeded the 4KB limit"):
        deploy("echo", Environment={"Variables": {"FITS": "x" * 4086}})


@pytest.mark.aws("LAMBDA-12")
def test_a_function_in_a_network_needs_to_make_its_interfaces(aws: LocalAws, deploy: Callable[..., str]) -> None:
    subnet = aws.client("ec2").describe_subnets()["Subnets"][0]
    network = {"SubnetIds": [subnet["SubnetId"]], "SecurityGroupIds": []}
    with pytest.raises(ClientError, match="does not have permissions to call CreateNetworkInterface on EC2"):
        deploy("echo", VpcConfig=network)
    interfaces = allow(["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"])
    name = deploy("echo", VpcConfig=network, role=aws.make_role(unique("vpc"), interfaces))
    config = aws.client("lambda").get_function_configuration(FunctionName=name)["VpcConfig"]
    assert config["VpcId"] == subnet["VpcId"]


@pytest.mark.aws("LAMBDA-1", "LAMBDA-2")
@pytest.mark.parametrize(
    ("condition", "is_shown", "is_started"),
    [
        (None, False, False),
        ({"StringEquals": {"kms:ViaService": "lambda.us-east-1.amazonaws.com"}}, True, False),
        ({"StringLike": {"kms:EncryptionContext:aws:lambda:FunctionArn": "*:function:echo-*"}}, True, True),
        ({"StringLike": {"kms:EncryptionContext:aws:lambda:FunctionArn": "*:function:other-*"}}, False, False),
    ],
    ids=["no permission", "through Lambda", "of this function", "of another function"],
)
def test_variables_are_decrypted_for_a_caller_through_lambda_and_for_a_start_as_the_functions_role_itself(
    aws: LocalAws, deploy: Callable[..., str], condition: dict[str, Any] | None, *, is_shown: bool, is_started: bool
) -> None:
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    decrypt = [] if condition is None else [allow("kms:Decrypt", key, Condition=condition)]
    role = aws.make_role(unique("role"), LOGS, allow("lambda:GetFunction*"), *decrypt)
    name = deploy("echo", role=role, KMSKeyArn=key, Environment={"Variables": {"MODE": "1"}})
    client = aws.client("lambda", **aws.assume(role))
    for found in (
        client.get_function(FunctionName=name)["Configuration"],
        client.get_function_configuration(FunctionName=name),
    ):
        if is_shown:
            assert found["Environment"] == {"Variables": {"MODE": "1"}}
        else:
            assert found["Environment"]["Error"]["ErrorCode"] == "AccessDeniedException"
            assert "Variables" not in found["Environment"]
    refused = pytest.raises(ClientError, match="unable to decrypt the environment variables")
    with nullcontext() if is_started else refused:
        assert "FunctionError" not in aws.client("lambda").invoke(FunctionName=name)
