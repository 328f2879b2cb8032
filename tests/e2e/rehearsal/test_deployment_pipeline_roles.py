"""What the pipeline's roles cannot do. What the deploy role can do, every apply shows."""

import json
from typing import Any

import botocore.exceptions
import pytest

from tests.support.policy_reference import findings_of_role, policies_of_role
from tests.support.rehearsal import Rehearsal

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(1800)]

TRUST = {"Version": "2012-10-17", "Statement": []}


def roles(rehearsal: Rehearsal) -> dict[str, str]:
    outputs = rehearsal.deployment.account.outputs()
    of_the_repository = {name: outputs[f"{name}_role_arn"] for name in ("build", "drift", "plan", "release_plan")}
    return {**outputs["deploy_role_arns"], **of_the_repository}


def client_of(rehearsal: Rehearsal, role: str, service: str) -> Any:
    return rehearsal.aws_as(roles(rehearsal)[role], service)


def refused(rehearsal: Rehearsal, role: str, service: str, operation: str, **parameters: Any) -> None:
    with pytest.raises(botocore.exceptions.ClientError, match=r"AccessDenied|UnauthorizedOperation"):
        getattr(client_of(rehearsal, role, service), operation)(**parameters)


def test_each_policy_of_a_workload_agrees_with_the_service_authorization_reference(rehearsal: Rehearsal) -> None:
    iam = rehearsal.aws("iam")
    names = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith("taproom-dev-")]
    assert "taproom-dev-task" in names
    assert {name: findings_of_role(policies_of_role(iam, name)) for name in names} == {name: [] for name in names}


def test_permissions_boundary_a_deployment_creates_no_role_beyond_a_workload(rehearsal: Rehearsal) -> None:
    trust = json.dumps(TRUST)
    refused(rehearsal, "dev", "iam", "create_role", RoleName="taproom-dev-admin", AssumeRolePolicyDocument=trust)
    foreign = roles(rehearsal)["dev"].replace("role/taproom-deploy-dev", "policy/taproom-prod-boundary")
    refused(
        rehearsal,
        "dev",
        "iam",
        "create_role",
        RoleName="taproom-dev-admin",
        AssumeRolePolicyDocument=trust,
        PermissionsBoundary=foreign,
    )


def test_no_role_of_the_pipeline_can_change_itself_or_create_users(rehearsal: Rehearsal) -> None:
    policy = json.dumps(TRUST)
    for role, name in (("dev", "taproom-deploy-dev"), ("build", "taproom-build"), ("plan", "taproom-plan")):
        refused(rehearsal, role, "iam", "put_role_policy", RoleName=name, PolicyName="more", PolicyDocument=policy)
        refused(rehearsal, role, "iam", "create_user", UserName="somebody")


def test_only_a_build_on_main_pushes_images(rehearsal: Rehearsal) -> None:
    image: dict[str, Any] = {
        "repositoryName": "taproom",
        "imageManifest": json.dumps({"mediaType": "application/vnd.oci.image.manifest.v1+json"}),
        "imageTag": "pushed-by-a-test",
    }
    for role in ("dev", "staging", "prod", "drift", "plan"):
        refused(rehearsal, role, "ecr", "initiate_layer_upload", repositoryName="taproom")
    for role in ("drift", "plan"):
        refused(rehearsal, role, "ecr", "put_image", **image)
    assert client_of(rehearsal, "build", "ecr").put_image(**image)["image"]["imageId"]["imageTag"] == image["imageTag"]
    rehearsal.aws("ecr").batch_delete_image(repositoryName="taproom", imageIds=[{"imageTag": image["imageTag"]}])
    refused(rehearsal, "build", "s3", "list_objects_v2", Bucket="taproom-terraform-state-123456789012")


def test_the_role_for_pull_requests_is_read_only(rehearsal: Rehearsal) -> None:
    bucket = rehearsal.deployment.account.outputs()["state_bucket_name"]
    assert client_of(rehearsal, "plan", "s3").get_object(Bucket=bucket, Key="taproom/dev.tfstate")["Body"].read()
    refused(rehearsal, "plan", "s3", "put_object", Bucket=bucket, Key="taproom/dev.tfstate.tflock", Body=b"")
    refused(rehearsal, "plan", "rds", "delete_db_instance", DBInstanceIdentifier="taproom-dev")
    secret = rehearsal.outputs["login_secret_arns"]["beers_app"]
    assert client_of(rehearsal, "plan", "secretsmanager").describe_secret(SecretId=secret)["Name"]
    refused(rehearsal, "plan", "secretsmanager", "get_secret_value", SecretId=secret)
