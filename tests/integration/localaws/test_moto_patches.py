"""Each repair of moto does what AWS does."""

import json

import pytest
from botocore.exceptions import ClientError

from rehearsal.aws import assume_role
from tests.support.local_aws import LocalAws, allow, policy


def test_a_scalable_target_keeps_its_tags(aws: LocalAws) -> None:
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName="scaled")
    ecs.register_task_definition(family="scaled", containerDefinitions=[{"name": "app", "image": "x", "memory": 128}])
    ecs.create_service(cluster="scaled", serviceName="web", taskDefinition="scaled", desiredCount=0)
    scaling = aws.client("application-autoscaling")
    arn = scaling.register_scalable_target(
        ServiceNamespace="ecs",
        ResourceId="service/scaled/web",
        ScalableDimension="ecs:service:DesiredCount",
        MinCapacity=1,
        MaxCapacity=2,
        Tags={"team": "cellar"},
    )["ScalableTargetARN"]
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "cellar"}


def test_a_rule_keeps_its_description(aws: LocalAws) -> None:
    ec2 = aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    target, old = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("target", "old")
    )
    prefix_list = ec2.describe_prefix_lists()["PrefixLists"][0]["PrefixListId"]

    def describe() -> dict[str, tuple[str | None, str | None, str | None]]:
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [target]}])
        return {
            rule["SecurityGroupRuleId"]: (
                rule.get("Description"),
                rule.get("ReferencedGroupInfo", {}).get("GroupId"),
                rule.get("PrefixListId"),
            )
            for rule in rules["SecurityGroupRules"]
        }

    tcp = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432}
    by_group = ec2.authorize_security_group_ingress(
        GroupId=target, IpPermissions=[{**tcp, "UserIdGroupPairs": [{"GroupId": old, "Description": "queries"}]}]
    )["SecurityGroupRules"][0]
    by_list = ec2.authorize_security_group_egress(
        GroupId=target,
        IpPermissions=[{**tcp, "PrefixListIds": [{"PrefixListId": prefix_list, "Description": "to S3"}]}],
    )["SecurityGroupRules"][0]
    assert (by_group["Description"], by_list["Description"]) == ("queries", "to S3")
    assert describe()[by_group["SecurityGroupRuleId"]] == ("queries", old, None)
    assert describe()[by_list["SecurityGroupRuleId"]] == ("to S3", None, prefix_list)


@pytest.mark.aws("S3-2")
def test_a_bucket_policy_that_denies_unencrypted_connections_or_all_but_a_role_serves_the_others(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="encrypted-only")
    deny = {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "s3:*", "Resource": "arn:aws:s3:::encrypted-only/*"}
    unencrypted = {**deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    s3.put_bucket_policy(Bucket="encrypted-only", Policy=json.dumps(policy(unencrypted)))
    s3.put_object(Bucket="encrypted-only", Key="state", Body=b"x")
    assert s3.get_object(Bucket="encrypted-only", Key="state")["Body"].read() == b"x"
    s3.put_bucket_policy(
        Bucket="encrypted-only", Policy=json.dumps(policy(allow("s3:*", Principal="*"), deny, unencrypted))
    )
    with pytest.raises(ClientError):
        s3.get_object(Bucket="encrypted-only", Key="state")
    reader = aws.make_role("reader", allow("s3:GetObject"))
    others = {**deny, "Condition": {"ArnNotEquals": {"aws:PrincipalArn": reader}}}
    s3.put_bucket_policy(Bucket="encrypted-only", Policy=json.dumps(policy(others)))
    aws.client("s3", **assume_role(aws, reader)).get_object(Bucket="encrypted-only", Key="state")
    with pytest.raises(ClientError):
        s3.get_object(Bucket="encrypted-only", Key="state")


def test_a_versioned_bucket_can_be_emptied_of_its_delete_markers(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="versioned", Key="state", Body=b"x")
    s3.delete_object(Bucket="versioned", Key="state")
    found = s3.list_object_versions(Bucket="versioned")
    doomed = [*found["Versions"], *found["DeleteMarkers"]]
    deletion = {"Objects": [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in doomed]}
    assert "Errors" not in s3.delete_objects(Bucket="versioned", Delete=deletion)
    s3.delete_bucket(Bucket="versioned")


def test_a_bucket_that_tells_eventbridge_says_so(aws: LocalAws) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="telling")
    assert "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket="telling")
    s3.put_bucket_notification_configuration(
        Bucket="telling", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    assert s3.get_bucket_notification_configuration(Bucket="telling")["EventBridgeConfiguration"] == {}
