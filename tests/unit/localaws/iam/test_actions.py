"""Each call needs the permissions that IAM's service authorization reference names for it."""

from __future__ import annotations

from typing import Any

import pytest

from localaws.http.call import ApiCall
from localaws.iam.actions.context import KnownSecret, RequestContext
from localaws.iam.actions.ec2 import network_interface_permissions
from localaws.iam.actions.required import required_permissions
from localaws.iam.evaluate import Request

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app-AbCdEf"
KEY = "arn:aws:kms:us-east-1:123456789012:key/k"
PLAIN_KEY = "arn:aws:kms:us-east-1:123456789012:key/plain"
SECRETS = {
    "app": KnownSecret(SECRET, None),
    SECRET: KnownSecret(SECRET, None),
    "sealed": KnownSecret("arn:sealed", PLAIN_KEY),
}
ENCRYPTION = {
    "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com",
    "kms:CallerAccount": "123456789012",
    "kms:EncryptionContext:SecretARN": "arn:sealed",
}
VPC, ROUTES = "vpc-0123456789abcdef0", "rtb-0123456789abcdef0"
ROLE = "arn:aws:iam::123456789012:role/app-dev-task"
BOUNDARY = "arn:aws:iam::123456789012:policy/app-dev-boundary"
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/c"
DEV = {"Environment": "dev"}
OWN = {"aws:ResourceTag/Environment": "dev"}
ASKED = {"aws:RequestTag/Environment": "dev"}
TAGS = [{"Key": "Environment", "Value": "dev"}]
TOPIC = "arn:aws:sns:us-east-1:123456789012:app-dev-alarms"
BUDGET = "arn:aws:budgets::123456789012:budget/app-dev"
BALANCER = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/app-dev/*"
MANAGED = {"ManageMasterUserPassword": True}
KEY_USES = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey")
MASTERS = "arn:aws:secretsmanager:us-east-1:123456789012:secret:rds!db-*"
MASTER_TAG = {"aws:RequestTag/aws:rds:primaryDBInstanceArn": "arn:aws:rds:us-east-1:123456789012:db:app-dev"}
CHANGE = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {"Name": "*.Example.com.", "Type": "A"}}]}
DASHBOARD = "arn:aws:cloudwatch::123456789012:dashboard/app-dev"
SERVICE = "service/app-dev/app-dev"
TARGETS = "scalable-target/*"
MAKE_ALARMS = "alarm:TargetTracking-service/app-dev/app-dev-*"
CONTEXT = RequestContext(
    "123456789012",
    "us-east-1",
    find_secret=SECRETS.get,
    find_key_arn=lambda name: {"alias/own": PLAIN_KEY, "plain": PLAIN_KEY, "k": KEY}.get(name, name),
    find_tags=lambda name: DEV if name in {VPC, KEY, CERTIFICATE} else {},
    find_vpc=lambda _name: VPC,
    find_boundary=lambda name: BOUNDARY if name == "app-dev-task" else None,
)


def call(service: str, operation: str, /, **parameters: Any) -> ApiCall:
    return ApiCall(service, operation, parameters, "", "json", None, {}, b"")


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:us-east-1:123456789012:{rest}"


def ec2_arn(rest: str) -> str:
    return arn("ec2", rest)


@pytest.mark.aws("IAM-4", "IAM-5", "IAM-6", "IAM-7", "IAM-8", "IAM-9", "IAM-10")
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
            call("ecs", "UpdateService", cluster="shop", service="arn:aws:ecs:us-east-1:123456789012:service/shop/web"),
            [Request("ecs:UpdateService", "arn:aws:ecs:us-east-1:123456789012:service/shop/web")],
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
                    "arn:aws:secretsmanager:us-east-1:123456789012:secret:nobody",
                    {"secretsmanager:SecretId": "nobody"},
                )
            ],
            id="a secret that does not exist",
        ),
        pytest.param(
            call("secretsmanager", "GetSecretValue", SecretId="sealed"),
            [
                Request("secretsmanager:GetSecretValue", "arn:sealed", {"secretsmanager:SecretId": "sealed"}),
                Request("kms:Decrypt", PLAIN_KEY, ENCRYPTION),
            ],
            marks=pytest.mark.aws("KMS-1"),
            id="reading a secret with a key of one's own",
        ),
        pytest.param(
            call("secretsmanager", "PutSecretValue", SecretId="sealed"),
            [
                Request("secretsmanager:PutSecretValue", "arn:sealed", {"secretsmanager:SecretId": "sealed"}),
                Request("kms:GenerateDataKey", PLAIN_KEY, ENCRYPTION),
                Request("kms:Decrypt", PLAIN_KEY, ENCRYPTION),
            ],
            marks=pytest.mark.aws("KMS-1"),
            id="writing a secret with a key of one's own",
        ),
        pytest.param(
            call("secretsmanager", "GetRandomPassword"),
            [Request("secretsmanager:GetRandomPassword", "*")],
            id="no secret at all",
        ),
        pytest.param(
            call("logs", "PutLogEvents", logGroupName="/g", logStreamName="s"),
            [Request("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:/g:log-stream:s")],
            id="a log stream",
        ),
        pytest.param(
            call("logs", "CreateLogStream", logGroupName="/g", logStreamName="s"),
            [Request("logs:CreateLogStream", "arn:aws:logs:us-east-1:123456789012:log-group:/g:log-stream:")],
            id="a log stream to be made",
        ),
        pytest.param(
            call("logs", "PutRetentionPolicy", logGroupName="/g"),
            [Request("logs:PutRetentionPolicy", "arn:aws:logs:us-east-1:123456789012:log-group:/g")],
            id="a log group",
        ),
        pytest.param(
            call("kms", "Decrypt", KeyId="alias/own", EncryptionContext={"a": "b"}),
            [Request("kms:Decrypt", PLAIN_KEY, {"kms:EncryptionContext:a": "b"})],
            id="a key by alias",
        ),
        pytest.param(
            call("s3", "HeadObject", Bucket="b", Key="plain"),
            [Request("s3:GetObject", "arn:aws:s3:::b/plain")],
            id="an object's head",
        ),
        pytest.param(
            call("s3", "GetObject", Bucket="b", Key="plain", VersionId="1"),
            [Request("s3:GetObjectVersion", "arn:aws:s3:::b/plain")],
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
            [Request("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q")],
            id="a queue",
        ),
        pytest.param(
            call("ssm", "GetParameters", Names=["/a/b", "c"]),
            [
                Request("ssm:GetParameters", "arn:aws:ssm:us-east-1:123456789012:parameter/a/b"),
                Request("ssm:GetParameters", "arn:aws:ssm:us-east-1:123456789012:parameter/c"),
            ],
            id="parameters",
        ),
        pytest.param(
            call("ecr", "BatchGetImage", repositoryName="taproom"),
            [Request("ecr:BatchGetImage", "arn:aws:ecr:us-east-1:123456789012:repository/taproom")],
            id="a repository",
        ),
        pytest.param(
            call("ecr", "GetAuthorizationToken"), [Request("ecr:GetAuthorizationToken", "*")], id="a registry"
        ),
        pytest.param(
            call("lambda", "Invoke", FunctionName="f", Qualifier="3"),
            [Request("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:123456789012:function:f:3")],
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
        pytest.param(
            call("ec2", "DeleteVpc", VpcId=VPC),
            [Request("ec2:DeleteVpc", ec2_arn(f"vpc/{VPC}"), OWN)],
            id="a resource with its tags",
        ),
        pytest.param(
            call("ec2", "CreateRoute", RouteTableId=ROUTES, DestinationCidrBlock="0.0.0.0/0"),
            [Request("ec2:CreateRoute", ec2_arn(f"route-table/{ROUTES}"))],
            id="a resource without tags",
        ),
        pytest.param(
            call("ec2", "CreateVpc", TagSpecifications=[{"ResourceType": "vpc", "Tags": TAGS}]),
            [
                Request("ec2:CreateVpc", ec2_arn("vpc/*"), ASKED),
                Request("ec2:CreateTags", ec2_arn("vpc/*"), {**ASKED, "ec2:CreateAction": "CreateVpc"}),
            ],
            id="a creation and setting its tags",
        ),
        pytest.param(
            call("ec2", "CreateSubnet", VpcId=VPC),
            [Request("ec2:CreateSubnet", ec2_arn(f"vpc/{VPC}"), OWN), Request("ec2:CreateSubnet", ec2_arn("subnet/*"))],
            id="the existing resource of a creation too, by its tags",
        ),
        pytest.param(
            call("ec2", "RevokeSecurityGroupEgress", GroupId="sg-0123456789", SecurityGroupRuleIds=["sgr-0123456789"]),
            [Request("ec2:RevokeSecurityGroupEgress", ec2_arn("security-group/sg-0123456789"))],
            id="a group for revoking its rules",
        ),
        pytest.param(
            call("ec2", "CreateVpcEndpoint", VpcId=VPC, PrivateDnsEnabled=True),
            [
                Request("ec2:CreateVpcEndpoint", ec2_arn(f"vpc/{VPC}"), OWN),
                Request("ec2:CreateVpcEndpoint", ec2_arn("vpc-endpoint/*")),
                *(Request(f"ec2:Describe{kind}", "*") for kind in ("SecurityGroups", "Subnets", "Vpcs")),
                Request("route53:AssociateVPCWithHostedZone", "*"),
            ],
            id="what an endpoint with private DNS depends on",
        ),
        pytest.param(
            call("elbv2", "CreateLoadBalancer", Name="app-dev", Subnets=["subnet-1"]),
            [
                Request("elasticloadbalancing:CreateLoadBalancer", BALANCER),
                Request("ec2:GetSecurityGroupsForVpc", ec2_arn(f"vpc/{VPC}"), OWN),
            ],
            id="the groups of a load balancer's VPC",
        ),
        pytest.param(
            call("rds", "CreateDBInstance", DBInstanceIdentifier="app-dev", KmsKeyId="k", **MANAGED),
            [
                Request("rds:CreateDBInstance", arn("rds", "db:app-dev")),
                *(Request(f"secretsmanager:{verb}", MASTERS, MASTER_TAG) for verb in ("CreateSecret", "TagResource")),
                *(Request(f"kms:{verb}", KEY, OWN) for verb in KEY_USES),
            ],
            id="the secret and the key of a database's master",
        ),
        pytest.param(
            call("lambda", "CreateFunction", FunctionName="f", VpcConfig={"SubnetIds": ["subnet-1"]}),
            [
                Request("lambda:CreateFunction", arn("lambda", "function:f")),
                *(Request(f"ec2:Describe{kind}", "*") for kind in ("SecurityGroups", "Subnets", "Vpcs")),
            ],
            id="the network of a function",
        ),
        pytest.param(
            call("route53", "ChangeResourceRecordSets", HostedZoneId="Z1", ChangeBatch=CHANGE),
            [
                Request(
                    "route53:ChangeResourceRecordSets",
                    "arn:aws:route53:::hostedzone/Z1",
                    {
                        "route53:ChangeResourceRecordSetsNormalizedRecordNames": ("\\052.example.com",),
                        "route53:ChangeResourceRecordSetsRecordTypes": ("A",),
                        "route53:ChangeResourceRecordSetsActions": ("UPSERT",),
                    },
                )
            ],
            id="records by their normalized names",
        ),
        pytest.param(
            call("acm", "RequestCertificate", DomainName="A.example.com", SubjectAlternativeNames=["b.example.com"]),
            [Request("acm:RequestCertificate", None, {"acm:DomainNames": ("a.example.com", "b.example.com")})],
            id="a certificate by its domain names",
        ),
        pytest.param(
            call("ecs", "CreateService", cluster="app-dev", serviceName="app-dev", taskDefinition="x"),
            [Request("ecs:CreateService", arn("ecs", SERVICE))],
            id="a service that is created",
        ),
        pytest.param(
            call("ecs", "DeleteCluster", cluster=arn("ecs", "cluster/app-dev")),
            [Request("ecs:DeleteCluster", arn("ecs", "cluster/app-dev"))],
            id="a cluster by its ARN",
        ),
        pytest.param(
            call("events", "PutTargets", Rule="app-dev-failed", Targets=[{"Id": "1", "Arn": TOPIC}]),
            [Request("events:PutTargets", arn("events", "rule/app-dev-failed"))],
            id="a rule by its name",
        ),
        pytest.param(
            call("scheduler", "DeleteSchedule", Name="check", GroupName="app-dev"),
            [Request("scheduler:DeleteSchedule", arn("scheduler", "schedule/app-dev/check"))],
            id="a schedule in its group",
        ),
        pytest.param(
            call("wafv2", "DeleteWebACL", Name="app-dev", Id="1", Scope="REGIONAL", LockToken="x"),
            [Request("wafv2:DeleteWebACL", arn("wafv2", "regional/webacl/app-dev/1"))],
            id="a web ACL by its name and id",
        ),
        pytest.param(
            call("ec2", "DescribeVpcs", Filters=[{"Name": "vpc-id", "Values": [VPC]}]),
            [Request("ec2:DescribeVpcs", None)],
            id="a description",
        ),
        pytest.param(
            call("iam", "CreateRole", RoleName="app-dev-new", PermissionsBoundary=BOUNDARY),
            [
                Request(
                    "iam:CreateRole",
                    "arn:aws:iam::123456789012:role/app-dev-new",
                    {"iam:PermissionsBoundary": BOUNDARY},
                )
            ],
            id="a new role with its boundary",
        ),
        pytest.param(
            call("iam", "PutRolePolicy", RoleName="app-dev-task", PolicyName="more"),
            [Request("iam:PutRolePolicy", ROLE, {"iam:PermissionsBoundary": BOUNDARY})],
            id="a role that has a boundary",
        ),
        pytest.param(
            call("iam", "PutRolePolicy", RoleName="somebody", PolicyName="more"),
            [Request("iam:PutRolePolicy", "arn:aws:iam::123456789012:role/somebody")],
            id="a role that has none",
        ),
        pytest.param(
            call("lambda", "CreateFunction", FunctionName="f", Role=ROLE),
            [
                Request("lambda:CreateFunction", "arn:aws:lambda:us-east-1:123456789012:function:f"),
                Request("iam:PassRole", ROLE, {"iam:PassedToService": "lambda.amazonaws.com"}),
            ],
            id="a role that is handed to a function",
        ),
        pytest.param(
            call("kms", "ScheduleKeyDeletion", KeyId="k"), [Request("kms:ScheduleKeyDeletion", KEY, OWN)], id="a key"
        ),
        pytest.param(
            call("kms", "CreateKey", Tags=[{"TagKey": "Environment", "TagValue": "dev"}]),
            [Request("kms:CreateKey", None, ASKED), Request("kms:TagResource", arn("kms", "key/*"), ASKED)],
            id="a new key",
        ),
        pytest.param(
            call("kms", "CreateAlias", AliasName="alias/app-dev", TargetKeyId="k"),
            [
                Request("kms:CreateAlias", KEY, OWN),
                Request("kms:CreateAlias", "arn:aws:kms:us-east-1:123456789012:alias/app-dev"),
            ],
            id="a key's name",
        ),
        pytest.param(
            call("acm", "DeleteCertificate", CertificateArn=CERTIFICATE),
            [Request("acm:DeleteCertificate", CERTIFICATE, OWN)],
            id="a certificate",
        ),
        pytest.param(
            call("cloudwatch", "PutMetricAlarm", AlarmName="app-dev-drift"),
            [Request("cloudwatch:PutMetricAlarm", arn("cloudwatch", "alarm:app-dev-drift"))],
            id="an alarm by its name",
        ),
        pytest.param(
            call("cloudwatch", "DeleteAlarms", AlarmNames=["a", "b"]),
            [Request("cloudwatch:DeleteAlarms", arn("cloudwatch", f"alarm:{name}")) for name in ("a", "b")],
            id="each of several alarms",
        ),
        pytest.param(
            call("cloudwatch", "DescribeAlarms", AlarmNames=["a"]),
            [Request("cloudwatch:DescribeAlarms", None)],
            id="descriptions of alarms without a resource",
        ),
        pytest.param(
            call("cloudwatch", "PutDashboard", DashboardName="app-dev"),
            [Request("cloudwatch:PutDashboard", DASHBOARD)],
            id="a dashboard without a region",
        ),
        pytest.param(
            call("cloudwatch", "PutMetricData", Namespace="App"),
            [Request("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "App"})],
            id="metric data by its namespace",
        ),
        pytest.param(
            call("sns", "CreateTopic", Name="app-dev-alarms"),
            [Request("sns:CreateTopic", TOPIC)],
            id="a topic that is about to be made",
        ),
        pytest.param(
            call("sns", "GetTopicAttributes", TopicArn=TOPIC), [Request("sns:GetTopicAttributes", TOPIC)], id="a topic"
        ),
        pytest.param(
            call("sns", "GetSubscriptionAttributes", SubscriptionArn=f"{TOPIC}:1-2"),
            [Request("sns:GetSubscriptionAttributes", TOPIC)],
            id="a subscription by its topic",
        ),
        pytest.param(
            call("budgets", "CreateBudget", AccountId="123456789012", Budget={"BudgetName": "app-dev"}),
            [Request("budgets:ModifyBudget", BUDGET)],
            id="a budget that is about to be made",
        ),
        pytest.param(
            call("budgets", "DescribeNotificationsForBudget", BudgetName="app-dev"),
            [Request("budgets:ViewBudget", BUDGET)],
            id="whatever is seen of a budget",
        ),
        pytest.param(
            call("budgets", "ListTagsForResource", ResourceARN=BUDGET),
            [Request("budgets:ListTagsForResource", BUDGET)],
            id="the tags of a budget",
        ),
        pytest.param(
            call("application-autoscaling", "RegisterScalableTarget", ResourceId=SERVICE),
            [
                Request("application-autoscaling:RegisterScalableTarget", arn("application-autoscaling", TARGETS)),
                Request("ecs:UpdateService", arn("ecs", SERVICE)),
            ],
            id="what is scaled must be the caller's to change",
        ),
        pytest.param(
            call("application-autoscaling", "PutScalingPolicy", ResourceId=SERVICE),
            [
                Request("application-autoscaling:PutScalingPolicy", arn("application-autoscaling", TARGETS)),
                Request("ecs:UpdateService", arn("ecs", SERVICE)),
                Request("cloudwatch:PutMetricAlarm", arn("cloudwatch", MAKE_ALARMS)),
            ],
            id="a policy makes alarms in the caller's name",
        ),
        pytest.param(
            call("application-autoscaling", "DescribeScalingPolicies", ResourceId=SERVICE),
            [Request("application-autoscaling:DescribeScalingPolicies", None)],
            id="descriptions of what scales without a resource",
        ),
    ],
)  # fmt: skip
def test_a_call_needs(made: ApiCall, needed: list[Request]) -> None:
    assert required_permissions(made, CONTEXT) == needed


def test_a_function_in_a_network_needs_its_interfaces_subnets_and_groups() -> None:
    needed = network_interface_permissions(["subnet-1"], ["sg-1"], CONTEXT)
    assert [(request.action, (request.resource or "").rpartition(":")[2]) for request in needed] == [
        ("ec2:CreateNetworkInterface", "network-interface/*"),
        ("ec2:CreateNetworkInterface", "subnet/subnet-1"),
        ("ec2:CreateNetworkInterface", "security-group/sg-1"),
        ("ec2:DescribeNetworkInterfaces", "*"),
        ("ec2:DeleteNetworkInterface", "network-interface/*"),
    ]
