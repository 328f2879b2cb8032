"""On demand each kind of thing fails once to be made, and once to be deleted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.support.local_aws import LocalAws, allow, unique


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A local AWS in which changes fail."""
    with LocalAws(tmp_path_factory.mktemp("failing")) as aws:
        assert aws.ask("faults", "POST") == (200, {"failing": True})
        yield aws


def a_role(aws: LocalAws) -> dict[str, str]:
    return aws.assume(aws.make_role(unique("role"), allow("*")))


def test_the_first_change_of_each_kind_fails_and_the_second_is_made(failing: LocalAws) -> None:
    given = a_role(failing)
    for service, operation, name in (("sqs", "create_queue", "QueueName"), ("sns", "create_topic", "Name")):
        make = getattr(failing.client(service, **given), operation)
        with pytest.raises(ClientError, match="InjectedFault"):
            make(**{name: "thing"})
        assert make(**{name: "thing"})
        assert make(**{name: "another"})
    assert failing.ask("status")[1]["failed_on_demand"] == ["sqs CreateQueue", "sns CreateTopic"]


def test_looking_and_changing_never_fail_and_neither_does_the_administrator(failing: LocalAws) -> None:
    vpc = failing.client("ec2", **a_role(failing)).describe_vpcs()["Vpcs"][0]["VpcId"]
    failing.client("ec2", **a_role(failing)).modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    assert failing.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")


def test_terraforms_state_can_be_written(failing: LocalAws) -> None:
    failing.client("s3").create_bucket(Bucket="state")
    failing.client("s3", **a_role(failing)).put_object(Bucket="state", Key="dev.tfstate", Body=b"{}")


def test_only_injected_faults_occur(tmp_path: Path) -> None:
    with LocalAws(tmp_path) as aws:
        assert aws.client("sqs", **a_role(aws)).create_queue(QueueName="thing")
