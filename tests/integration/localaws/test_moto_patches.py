"""Each repair of moto does what AWS does."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError
from moto.iam.models import IAMBackend

from localaws.moto_patches import MotoPatches
from localaws.settings import Settings
from rehearsal.aws import assume_role
from tests.support.local_aws import ACCOUNT_ID, LocalAws, allow, policy


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


@pytest.mark.aws("IAM-33")
def test_a_simulation_decides_by_the_policies_of_a_role(aws: LocalAws) -> None:
    denied = allow("s3:GetObject", "arn:aws:s3:::cellar/secret", Effect="Deny")
    role = aws.make_role("simulated", allow("s3:GetObject", "arn:aws:s3:::cellar/*"), denied)
    simulated = {
        "ActionNames": ["s3:GetObject"],
        "ResourceArns": [f"arn:aws:s3:::{key}" for key in ("cellar/list", "cellar/secret", "x")],
    }
    answer = aws.client("iam").simulate_principal_policy(PolicySourceArn=role, **simulated)
    decisions = [result["EvalDecision"] for result in answer["EvaluationResults"]]
    assert decisions == ["allowed", "explicitDeny", "implicitDeny"]


def test_a_role_is_found_while_another_is_created() -> None:
    """Each call looks for its caller's role; two threads would show a failure only now and then."""
    patches = MotoPatches(cast("Any", SimpleNamespace(settings=Settings(Path(), port=0))))
    try:
        backend = IAMBackend("aws", ACCOUNT_ID)
        backend.create_role("a", "{}", "/", None, "", [], None)
        found = iter(backend.get_roles())
        backend.create_role("b", "{}", "/", None, "", [], None)
        assert [role.name for role in found] == ["a"]
    finally:
        patches.stop()
