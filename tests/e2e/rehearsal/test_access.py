"""Terraform previews, applies and watches the access to a database; the tests run in this order.

They apply `terraform/examples/existing-database` to an RDS instance and network that boto3 created, from a repository
that contains only the example: the module comes from a git URL. Key, topic and security group are the module's.
"""

import json
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from devtools.errors import UserError
from devtools.processes import ProcessRegister
from devtools.terraform.program import find_terraform
from devtools.terraform.providers import write_cli_config
from rehearsal import deployment
from rehearsal.aws import assume_role
from rehearsal.run import Run
from rehearsal.terraform import Terraform, TerraformError, copy_configuration
from scripts.package_module import package_module
from tests.support.documents import beers
from tests.support.pipeline import git_in
from tests.support.provider import with_one_provider
from tests.support.rehearsal import Deployed, changes_of, quiet, run_in
from tests.support.statements import Statements
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.rehearsal, pytest.mark.timeout(900)]

# Names like an environment's, so that its policies are the same.
NAME = "taproom-dev"
MODULE_PATH = "../../modules/database_access"
# A second database of the same server, whose master logs in by IAM only. The module's archive contains its zip.
STOUTS = """
module "stouts" {
  source  = "file://%s//database_access"
  context = { is_temporary = true }
  database = {
    address         = data.aws_db_instance.this.address
    port            = data.aws_db_instance.this.port
    name            = "stouts"
    resource_id     = data.aws_db_instance.this.resource_id
    master_iam_user = "access_master"
  }
  database_security_group = { id = data.aws_db_instance.this.vpc_security_groups[0] }
  subnet_ids              = var.subnet_ids
  access = {
    database = "stouts"
    schemas  = { stouts = { owner = "stouts_owner" } }
    roles    = { stouts_owner = {} }
    logins   = { stouts_app = { credential = "rotated", acts_as = "stouts_owner" } }
  }
}
"""
PLANNER = f"{NAME}-access-plan"
SCHEDULE = f"{NAME}-access-verify"
MANUAL_GRANT = "GRANT DELETE ON beers.beers TO beers_reader"
REVOKE = 'REVOKE DELETE ON TABLE "beers"."beers" FROM "beers_reader'


@dataclass
class Access(Deployed):
    """The applied example.

    Attributes:
        terraform: the example's root module.
        variables: what it is applied with.
    """

    terraform: Terraform
    variables: dict[str, Any] = field(default_factory=dict)

    def apply(self, **variables: object) -> None:
        """Apply without a separate plan."""
        self.terraform.apply({**self.variables, **variables}, quiet)

    def plan(self, **variables: object) -> dict[str, Any] | None:
        """Return the plan, or None if it is empty."""
        return self.terraform.plan({**self.variables, **variables})

    def planned_sql(self, **variables: object) -> str:
        """Return the SQL that a plan previews."""
        plan = self.plan(**variables)
        assert plan, "the plan is not empty"
        shown: str = plan["output_changes"]["access_plan"]["after"]
        return shown

    def apply_planned(self) -> None:
        """Apply the last plan."""
        self.terraform.apply_planned(quiet)

    def reader_can_delete(self) -> bool:
        """Return whether the manual grant is in place."""
        return bool(self.sql("SELECT has_table_privilege('beers_reader', 'beers.beers', 'DELETE')") == [[True]])

    def wait_for_alarm(self, name: str, state: str) -> None:
        """Wait until an alarm on access has a state."""
        wait_until(lambda: self.alarms()[f"access-{name}"] == state, f"the alarm {name} to be {state}")


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    """Apply the example."""
    with run_in(tmp_path_factory.mktemp("access")) as run:
        access = _initialized(run)
        with with_one_provider(access.terraform):
            access.apply()
            yield access


def _initialized(run: Run) -> Access:
    program, _ = find_terraform()
    run.take_ports(None)
    deployment.build_package(run)
    deployment.start_local_aws(run)
    root = _consumer(run)
    cli_config = write_cli_config(run.folder / "terraform.rc")
    assert run.endpoint
    terraform = Terraform(
        program,
        root,
        endpoint=run.endpoint,
        processes=ProcessRegister(run.processes),
        logs=run.logs,
        cli_config=cli_config,
        credentials=run.administrator,
    )
    access = Access(run, terraform)
    access.variables = {
        "name": NAME,
        "access": beers(),
        "package_file": str(run.package),
        "is_temporary": True,
        **_existing_resources(access),
    }
    terraform.init({})
    return access


def _consumer(run: Run) -> Path:
    """Return a repository with only the example, which sources the module from another repository."""
    taproom = run.folder.parent / "taproom"
    copy_configuration(taproom / "terraform")
    for command in (["init"], ["add", "--all"], ["commit", "--message=Release"], ["tag", "v1.0.0"]):
        git_in(taproom, *command)
    root = run.folder.parent / "consumer"
    shutil.copytree(taproom / "terraform" / "examples" / "existing-database", root)
    main = root / "main.tf"
    assert MODULE_PATH in main.read_text()
    url = f"git::file://{taproom}//terraform/modules/database_access?ref=v1.0.0"
    main.write_text(main.read_text().replace(MODULE_PATH, url))
    return root


def _existing_resources(access: Access) -> dict[str, Any]:
    """Create what exists before Terraform manages the access, and return the example's variables for it."""
    key = access.aws("kms").create_key()["KeyMetadata"]["Arn"]
    network = access.aws("ec2")
    vpc = network.create_vpc(CidrBlock="10.30.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        network.create_subnet(VpcId=vpc, CidrBlock=f"10.30.{number}.0/24", AvailabilityZone=f"us-east-1{zone}")[
            "Subnet"
        ]["SubnetId"]
        for number, zone in enumerate("ab")
    ]
    group = network.create_security_group(VpcId=vpc, GroupName="beers", Description="Database")["GroupId"]
    databases = access.aws("rds")
    databases.create_db_subnet_group(DBSubnetGroupName="beers", DBSubnetGroupDescription="Beers", SubnetIds=subnets)
    databases.create_db_instance(
        DBInstanceIdentifier="beers",
        Engine="postgres",
        EngineVersion="17",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        DBName="beers",
        MasterUsername="dbmaster",
        ManageMasterUserPassword=True,
        MasterUserSecretKmsKeyId=key,
        EnableIAMDatabaseAuthentication=True,
        DBSubnetGroupName="beers",
        VpcSecurityGroupIds=[group],
    )
    databases.get_waiter("db_instance_available").wait(
        DBInstanceIdentifier="beers", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return {"database_identifier": "beers", "subnet_ids": subnets}


def test_the_first_apply_shows_the_sql_that_it_ran(access: Access) -> None:
    outputs = access.terraform.outputs()
    digest, _, rest = outputs["access_plan"].partition("\n")
    assert digest.startswith("-- plan sha256:")
    assert 'CREATE ROLE "beers_owner"' in rest
    assert rest.count(";\n") + 1 == len(outputs["access_report"]["changes"])
    access.sql("SET ROLE beers_owner; CREATE TABLE beers.beers (name text)")


def test_a_second_plan_is_empty(access: Access) -> None:
    assert access.plan() is None


def test_there_is_no_drift_after_an_apply_and_the_schedule_reports_none(access: Access) -> None:
    access.wait_for_alarm("drift", "OK")
    access.run.invoke_schedule(SCHEDULE)
    access.wait_for_alarm("not-verified", "OK")
    assert access.alarms()["access-drift"] == "OK"


def test_drift_by_a_manual_grant_fires_the_alarm_when_the_schedule_runs(access: Access) -> None:
    access.sql(MANUAL_GRANT)
    access.run.invoke_schedule(SCHEDULE)
    access.wait_for_alarm("drift", "ALARM")
    assert access.alarms()["access-verify-failed"] == "OK"


def test_an_apply_refuses_changes_that_its_plan_did_not_show(access: Access) -> None:
    shown = access.planned_sql()
    assert any(line.startswith(REVOKE) for line in shown.splitlines())
    access.sql("GRANT INSERT ON beers.beers TO beers_reader")
    with pytest.raises(TerraformError, match="The plan is not the reviewed one"):
        access.apply_planned()
    assert access.reader_can_delete(), "nothing was changed"
    access.sql("REVOKE INSERT ON beers.beers FROM beers_reader")


def test_an_apply_of_the_plan_repairs_drift_and_the_alarm_ends(access: Access) -> None:
    access.planned_sql()
    access.apply_planned()
    assert not access.reader_can_delete()
    access.wait_for_alarm("drift", "OK")


def test_the_same_drift_again_is_planned_and_repaired_again(access: Access) -> None:
    before = access.terraform.outputs()["access_plan"]
    access.sql(MANUAL_GRANT)
    shown = access.planned_sql()
    assert shown != before
    assert shown.splitlines()[1:] == before.splitlines()[1:]
    access.apply_planned()
    assert not access.reader_can_delete()


def test_a_document_that_the_function_refuses_fails_the_plan(access: Access) -> None:
    document = beers()
    document["roles"]["beers_reader"] = {"schemas": {"beers": "read"}, "member_of": ["beers_reader"]}
    with pytest.raises(TerraformError) as refused:
        access.planned_sql(access=document)
    said = " ".join(str(refused.value).replace("│", " ").split())
    assert "The access document cannot be carried out on database beers; nothing was changed." in said
    assert "beers_reader -> beers_reader is a circle; remove one of its memberships" in said


def test_an_apply_without_a_preview_repairs_drift_and_one_with_a_preview_then_settles(access: Access) -> None:
    access.sql(MANUAL_GRANT)
    access.apply(preview_access=False)
    assert not access.reader_can_delete()
    assert access.plan(preview_access=False) is None
    access.apply()
    assert access.plan() is None


def test_a_plan_does_not_invoke_a_function_that_is_about_to_be_replaced(access: Access) -> None:
    with zipfile.ZipFile(access.run.package, "a") as package:
        package.writestr("another_version", "")
    plan = access.plan()
    assert plan
    preview = "module.database_access.data.aws_lambda_invocation.plan[0]"
    assert [c["change"]["actions"] for c in plan["resource_changes"] if c["address"] == preview] == [["read"]]
    functions = ("bootstrap", "planner", "rotation", "rotation_watch")
    assert changes_of(plan) == {
        **{f"module.database_access.module.{name}.aws_lambda_function.this": ["update"] for name in functions},
        "module.database_access.aws_lambda_invocation.apply": ["delete", "create"],
    }
    access.apply_planned()
    assert access.plan() is None


def test_the_planning_function_cannot_access_a_login_secret_and_cannot_apply(access: Access) -> None:
    functions = access.aws("lambda")
    function = functions.get_function_configuration(FunctionName=PLANNER)
    secrets = access.aws("secretsmanager", **assume_role(access.run, function["Role"]))
    for arn in access.terraform.outputs()["login_secret_arns"].values():
        for call, arguments in ((secrets.put_secret_value, {"SecretString": "{}"}), (secrets.get_secret_value, {})):
            with pytest.raises(botocore.exceptions.ClientError, match="AccessDenied"):
                call(SecretId=arn, **arguments)
    event = {"action": "apply", "document": beers()}
    answer: Any = functions.invoke(FunctionName=PLANNER, Payload=json.dumps(event))
    assert "This function cannot apply" in answer["Payload"].read().decode()


def test_a_failed_drift_check_fires_a_separate_alarm(access: Access) -> None:
    access.aws("lambda").invoke(FunctionName=PLANNER, Payload=json.dumps({"action": "verify"}))
    access.wait_for_alarm("verify-failed", "ALARM")


def test_an_asynchronous_event_becomes_a_dead_letter_after_three_failed_attempts(access: Access) -> None:
    functions = {function["FunctionName"] for function in access.aws("lambda").list_functions()["Functions"]}
    assert len(functions) == 4
    for name in functions:
        access.aws("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"[]")

    def dead_letters(*keys: str) -> set[tuple[Any, ...]]:
        return {tuple(event[key] for key in keys) for event in access.journal("function.retries_exhausted")}

    wait_until(lambda: dead_letters("function") == {(name,) for name in functions})
    assert dead_letters("dead_letter_target", "delivered") == {(access.terraform.outputs()["topic_arn"], True)}


def test_an_unknown_schedule_is_named_with_the_existing_ones(access: Access) -> None:
    with pytest.raises(UserError, match=f"There is no schedule nobody; there is .*{SCHEDULE}"):
        access.run.invoke_schedule("nobody")


def test_a_second_database_of_the_server_is_managed_by_a_master_that_logs_in_by_iam(access: Access) -> None:
    access.sql("CREATE ROLE access_master LOGIN CREATEROLE")
    access.sql("GRANT rds_iam TO access_master")
    access.sql("CREATE DATABASE stouts OWNER access_master")
    block = access.terraform.root / "stouts.tf"
    archive = access.run.folder / "database_access.zip"
    package_module(access.run.package, archive)
    block.write_text(STOUTS % archive)
    access.terraform.init({})
    access.apply()
    assert access.plan() is None
    assert access.sql("SELECT count(*) FROM pg_roles WHERE rolname ~ '^stouts_app_[ab]$'") == [[2]]
    block.unlink()
    access.terraform.init({})
    access.apply()


def test_a_destroy_leaves_the_database_alone(access: Access, statements_folder: Path) -> None:
    statements = Statements()
    access.terraform.destroy(access.variables, quiet)
    statements.add_decisive(access.run.logs)
    statements.save(statements_folder, "access")
    assert access.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'beers_owner'") == [[1]]
