"""Each call needs the permissions that IAM's service authorization reference names for it."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.http.call import ApiCall
from localaws.iam.actions.required import (
    KnownSecret,
    Surroundings,
    network_interface_permissions,
    required_permissions,
)
from localaws.iam.evaluate import Request

SECRET = "arn:aws:secretsmanager:us-east-1:1:secret:app-AbCdEf"
KEY = "arn:aws:kms:us-east-1:1:key/k"
SECRETS = {
    "app": KnownSecret(SECRET, None),
    SECRET: KnownSecret(SECRET, None),
    "sealed": KnownSecret("arn:sealed", KEY),
}
AROUND = Surroundings("1", "us-east-1", SECRETS.get, {"alias/own": KEY, "k": KEY}.get)  # type: ignore[arg-type]
ENCRYPTION = {
    "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com",
    "kms:CallerAccount": "1",
    "kms:EncryptionContext:SecretARN": "arn:sealed",
}


def call(service: str, operation: str, /, **parameters: Any) -> ApiCall:
    return ApiCall(service, operation, parameters, "", "json", None, {}, b"")


@pytest.mark.parametrize(
    ("made", "needed"),
    [
        pytest.param(
            call("secretsmanager", "GetSecretValue", SecretId="app", VersionStage="AWSCURRENT"),
            [
                Request(
                    "secretsmanager:GetSecretValue",
                    SECRET,
                    {"secretsmanager:SecretId": "app", "secretsmanager:VersionStage": "AWSCURRENT"},
                )
            ],
            id="a secret by name",
        ),
        pytest.param(
            call("ecs", "UpdateService", cluster="shop", service="arn:aws:ecs:us-east-1:1:service/shop/web"),
            [Request("ecs:UpdateService", "arn:aws:ecs:us-east-1:1:service/shop/web")],
            id="an ECS service",
        ),
        pytest.param(
            call("secretsmanager", "DescribeSecret", SecretId=SECRET),
            [Request("secretsmanager:DescribeSecret", SECRET, {"secretsmanager:SecretId": SECRET})],
            id="a secret by ARN",
        ),
        pytest.param(
            call("secretsmanager", "GetSecretValue", SecretId="nobody"),
            [
                Request(
                    "secretsmanager:GetSecretValue",
                    "arn:aws:secretsmanager:us-east-1:1:secret:nobody",
                    {"secretsmanager:SecretId": "nobody"},
                )
            ],
            id="a secret that does not exist",
        ),
        pytest.param(
            call("secretsmanager", "GetSecretValue", SecretId="sealed"),
            [
                Request("secretsmanager:GetSecretValue", "arn:sealed", {"secretsmanager:SecretId": "sealed"}),
                Request("kms:Decrypt", KEY, ENCRYPTION),
            ],
            id="reading a secret with a key of one's own",
        ),
        pytest.param(
            call("secretsmanager", "PutSecretValue", SecretId="sealed"),
            [
                Request("secretsmanager:PutSecretValue", "arn:sealed", {"secretsmanager:SecretId": "sealed"}),
                Request("kms:GenerateDataKey", KEY, ENCRYPTION),
                Request("kms:Decrypt", KEY, ENCRYPTION),
            ],
            id="writing a secret with a key of one's own",
        ),
        pytest.param(
            call("secretsmanager", "GetRandomPassword"),
            [Request("secretsmanager:GetRandomPassword", "*")],
            id="no secret at all",
        ),
        pytest.param(
            call("logs", "PutLogEvents", logGroupName="/g", logStreamName="s"),
            [Request("logs:PutLogEvents", "arn:aws:logs:us-east-1:1:log-group:/g:log-stream:s")],
            id="a log stream",
        ),
        pytest.param(
            call("logs", "CreateLogStream", logGroupName="/g", logStreamName="s"),
            [Request("logs:CreateLogStream", "arn:aws:logs:us-east-1:1:log-group:/g:log-stream:")],
            id="a log stream to be made",
        ),
        pytest.param(
            call("logs", "PutRetentionPolicy", logGroupName="/g"),
            [Request("logs:PutRetentionPolicy", "arn:aws:logs:us-east-1:1:log-group:/g")],
            id="a log group",
        ),
        pytest.param(
            call("kms", "Decrypt", KeyId="alias/own", EncryptionContext={"a": "b"}),
            [Request("kms:Decrypt", KEY, {"kms:EncryptionContext:a": "b"})],
            id="a key by alias",
        ),
        pytest.param(
            call("s3", "HeadObject", Bucket="b", Key="k"),
            [Request("s3:GetObject", "arn:aws:s3:::b/k")],
            id="an object's head",
        ),
        pytest.param(
            call("s3", "GetObject", Bucket="b", Key="k", VersionId="1"),
            [Request("s3:GetObjectVersion", "arn:aws:s3:::b/k")],
            id="an object's version",
        ),
        pytest.param(
            call("s3", "ListObjectsV2", Bucket="b", Prefix="p/"),
            [Request("s3:ListBucket", "arn:aws:s3:::b", {"s3:prefix": "p/"})],
            id="a bucket's list",
        ),
        pytest.param(
            call("s3", "DeleteObjects", Bucket="b", Delete={"Objects": [{"Key": "x"}, {"Key": "y"}]}),
            [Request("s3:DeleteObject", "arn:aws:s3:::b/x"), Request("s3:DeleteObject", "arn:aws:s3:::b/y")],
            id="several objects",
        ),
        pytest.param(
            call("sqs", "SendMessageBatch", QueueUrl="http://127.0.0.1/1/q"),
            [Request("sqs:SendMessage", "arn:aws:sqs:us-east-1:1:q")],
            id="a queue",
        ),
        pytest.param(
            call("ssm", "GetParameters", Names=["/a/b", "c"]),
            [
                Request("ssm:GetParameters", "arn:aws:ssm:us-east-1:1:parameter/a/b"),
                Request("ssm:GetParameters", "arn:aws:ssm:us-east-1:1:parameter/c"),
            ],
            id="parameters",
        ),
        pytest.param(
            call("ecr", "BatchGetImage", repositoryName="taproom"),
            [Request("ecr:BatchGetImage", "arn:aws:ecr:us-east-1:1:repository/taproom")],
            id="a repository",
        ),
        pytest.param(
            call("ecr", "GetAuthorizationToken"), [Request("ecr:GetAuthorizationToken", "*")], id="a registry"
        ),
        pytest.param(
            call("lambda", "Invoke", FunctionName="f", Qualifier="3"),
            [Request("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:1:function:f:3")],
            id="a function's version",
        ),
        pytest.param(
            call("sts", "AssumeRole", RoleArn="arn:role"), [Request("sts:AssumeRole", "arn:role")], id="a role"
        ),
        pytest.param(call("sts", "GetCallerIdentity"), [], id="asking who one is"),
        pytest.param(
            call("elbv2", "DescribeTargetHealth", TargetGroupArn="arn:tg"),
            [Request("elasticloadbalancing:DescribeTargetHealth", None)],
            id="a service that is not derived",
        ),
    ],
)
def test_a_call_needs(made: ApiCall, needed: list[Request]) -> None:
    assert required_permissions(made, AROUND) == needed


def test_a_function_in_a_network_needs_its_interfaces_subnets_and_groups() -> None:
    needed = network_interface_permissions(["subnet-1"], ["sg-1"], AROUND)
    assert [(request.action, (request.resource or "").rpartition(":")[2]) for request in needed] == [
        ("ec2:CreateNetworkInterface", "network-interface/*"),
        ("ec2:CreateNetworkInterface", "subnet/subnet-1"),
        ("ec2:CreateNetworkInterface", "security-group/sg-1"),
        ("ec2:DescribeNetworkInterfaces", "*"),
        ("ec2:DeleteNetworkInterface", "network-interface/*"),
    ]
