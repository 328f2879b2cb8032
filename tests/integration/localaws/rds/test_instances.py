"""A PostgreSQL behind aws_db_instance: reached over verified TLS with the credential from the managed secret."""

import json
import ssl
from collections.abc import Iterator
from typing import Any

import pg8000.exceptions
import pg8000.native
import pytest
from botocore.exceptions import ClientError

from localaws.rds.instances import Databases
from tests.support.moto_server import MotoServer, moto_server
from tests.support.waiting import wait_until

pytestmark = pytest.mark.database
NAME = "taproom-dev"


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    with moto_server(tmp_path_factory.mktemp("run")) as server:
        service = Databases(server.context)
        yield server
        service.stop()


@pytest.fixture(scope="module")
def instance(aws: MotoServer) -> dict[str, Any]:
    """An instance with a managed master secret and a separate parameter group."""
    rds = aws.client("rds")
    rds.create_db_parameter_group(DBParameterGroupName="group", DBParameterGroupFamily="postgres17", Description="d")
    set_parameter(rds, "log_min_duration_statement", "500")
    rds.create_db_instance(
        DBInstanceIdentifier=NAME,
        Engine="postgres",
        EngineVersion="17",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        StorageEncrypted=True,
        DBName="beers",
        MasterUsername="dbmaster",
        ManageMasterUserPassword=True,
        DBParameterGroupName="group",
    )
    return available(rds, NAME)


def available(rds: Any, name: str) -> dict[str, Any]:
    rds.get_waiter("db_instance_available").wait(WaiterConfig={"Delay": 0.1, "MaxAttempts": 600})
    found: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return found


def set_parameter(rds: Any, name: str, value: str) -> None:
    parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName="group", Parameters=[parameter])


def credential(aws: MotoServer, instance: dict[str, Any]) -> dict[str, str]:
    arn = instance["MasterUserSecret"]["SecretArn"]
    value: dict[str, str] = json.loads(aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    return value


def ask(aws: MotoServer, instance: dict[str, Any], sql: str, *, password: str | None = None) -> Any:
    login = credential(aws, instance)
    connection = pg8000.native.Connection(
        login["username"],
        password=password or login["password"],
        host=instance["Endpoint"]["Address"],
        port=instance["Endpoint"]["Port"],
        database="beers",
        ssl_context=ssl.create_default_context(cafile=str(aws.context.authority.ca_file)),
    )
    try:
        return connection.run(sql)
    finally:
        connection.close()


@pytest.mark.aws("RDS-22")
def test_the_master_logs_in_over_verified_tls_with_the_credential_from_the_managed_secret(
    aws: MotoServer, instance: dict[str, Any]
) -> None:
    assert set(credential(aws, instance)) == {"username", "password"}
    assert ask(aws, instance, "SELECT current_database(), current_user") == [["beers", "dbmaster"]]


def test_parameters_of_the_group_are_in_force_and_follow_changes(aws: MotoServer, instance: dict[str, Any]) -> None:
    assert ask(aws, instance, "SHOW log_min_duration_statement") == [["500ms"]]
    set_parameter(aws.client("rds"), "log_min_duration_statement", "700")
    # A reload takes a moment to reach a new session.
    wait_until(lambda: ask(aws, instance, "SHOW log_min_duration_statement") == [["700ms"]])


@pytest.mark.aws("RDS-6")
@pytest.mark.parametrize(
    ("name", "value", "source", "method"),
    [
        ("rds.force_ssl", "1", "system", "pending-reboot"),
        ("password_encryption", "scram-sha-256", "system", "pending-reboot"),
        ("log_lock_waits", "1", "user", "immediate"),
    ],
)
def test_a_parameter_with_the_familys_default_stays_the_systems_and_pending_reboot(
    name: str, value: str, source: str, method: str, aws: MotoServer
) -> None:
    rds = aws.client("rds")
    family = {"DBParameterGroupFamily": "postgres17", "Description": "d"}
    rds.create_db_parameter_group(DBParameterGroupName=name.replace("_", "-"), **family)
    parameter = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
    rds.modify_db_parameter_group(DBParameterGroupName=name.replace("_", "-"), Parameters=[parameter])
    (found,) = rds.describe_db_parameters(DBParameterGroupName=name.replace("_", "-"))["Parameters"]
    assert (found["Source"], found["ApplyMethod"]) == (source, method)


def rotate_by_rds(aws: MotoServer, instance: dict[str, Any]) -> None:
    aws.client("rds").modify_db_instance(
        DBInstanceIdentifier=NAME, RotateMasterUserPassword=True, ApplyImmediately=True
    )


def rotate_by_secrets_manager(aws: MotoServer, instance: dict[str, Any]) -> None:
    aws.client("secretsmanager").rotate_secret(SecretId=instance["MasterUserSecret"]["SecretArn"])


@pytest.mark.aws("RDS-22")
@pytest.mark.parametrize("rotate", [rotate_by_rds, rotate_by_secrets_manager])
def test_rotation_changes_the_password_and_ends_the_old_one(
    aws: MotoServer, instance: dict[str, Any], rotate: Any
) -> None:
    before = credential(aws, instance)
    rotate(aws, instance)
    after = credential(aws, instance)
    assert after["password"] != before["password"]
    assert ask(aws, instance, "SELECT 1") == [[1]]
    with pytest.raises(pg8000.exceptions.DatabaseError, match="password authentication failed"):
        ask(aws, instance, "SELECT 1", password=before["password"])


def test_the_managed_secret_has_the_schedule_of_rds_until_it_is_given_another(
    aws: MotoServer, instance: dict[str, Any]
) -> None:
    secrets, arn = aws.client("secretsmanager"), instance["MasterUserSecret"]["SecretArn"]
    rules = {"ScheduleExpression": "rate(10 days)", "Duration": "3h"}
    before = credential(aws, instance)
    secrets.rotate_secret(SecretId=arn, RotationRules=rules, RotateImmediately=False)
    assert credential(aws, instance) == before
    assert secrets.describe_secret(SecretId=arn)["RotationEnabled"]
    with pytest.raises(ClientError, match="RDS rotates this secret"):
        secrets.rotate_secret(SecretId=arn, RotationLambdaARN="arn:aws:lambda:us-east-1:123456789012:function:mine")
    secrets.cancel_rotate_secret(SecretId=arn)
    assert not secrets.describe_secret(SecretId=arn)["RotationEnabled"]


@pytest.mark.aws("RDS-26", "RDS-27")
def test_snapshots_and_points_in_time_can_be_restored_also_of_a_deleted_instance(
    aws: MotoServer, instance: dict[str, Any]
) -> None:
    rds = aws.client("rds")
    ask(aws, instance, "CREATE TABLE moments (name text)")
    ask(aws, instance, "INSERT INTO moments VALUES ('first')")
    rds.create_db_snapshot(DBSnapshotIdentifier="manual", DBInstanceIdentifier=NAME)
    ((moment,),) = ask(aws, instance, "SELECT now()")
    ask(aws, instance, "INSERT INTO moments VALUES ('second')")

    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="of-snapshot", DBSnapshotIdentifier="manual")
    source = {"SourceDBInstanceIdentifier": NAME}
    rds.restore_db_instance_to_point_in_time(**source, TargetDBInstanceIdentifier="of-moment", RestoreTime=moment)
    with pytest.raises(ClientError, match="cannot be restored to"):
        rds.restore_db_instance_to_point_in_time(**source, TargetDBInstanceIdentifier="early", RestoreTime=0)
    assert names(aws, "of-snapshot") == names(aws, "of-moment") == ["first"]

    resource = rds.describe_db_instances(DBInstanceIdentifier="of-moment")["DBInstances"][0]["DbiResourceId"]
    rds.delete_db_instance(
        DBInstanceIdentifier="of-moment", FinalDBSnapshotIdentifier="final", DeleteAutomatedBackups=False
    )
    rds.restore_db_instance_to_point_in_time(
        SourceDbiResourceId=resource, TargetDBInstanceIdentifier="of-deleted", UseLatestRestorableTime=True
    )
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="of-final", DBSnapshotIdentifier="final")
    assert names(aws, "of-deleted") == names(aws, "of-final") == ["first"]


@pytest.mark.aws("RDS-29", "RDS-30")
def test_backups_are_copied_to_another_region_and_restored_there_after_the_copying_was_stopped(
    aws: MotoServer, instance: dict[str, Any]
) -> None:
    here, there = aws.client("rds"), aws.client("rds", "eu-west-1")
    source = {"SourceDBInstanceArn": instance["DBInstanceArn"]}
    valid = {**source, "KmsKeyId": aws.client("kms", "eu-west-1").create_key()["KeyMetadata"]["Arn"]}
    for client, given, code in (
        (here, valid, "InvalidParameterValue"),
        (there, source, "KMSKeyNotAccessibleFault"),
        (there, {**valid, "BackupRetentionPeriod": 36}, "InvalidParameterValue"),
        (there, {**valid, "SourceDBInstanceArn": f"{instance['DBInstanceArn']}-2"}, "DBInstanceNotFound"),
    ):
        with pytest.raises(ClientError, match=code):
            client.start_db_instance_automated_backups_replication(**given)
    copy = there.start_db_instance_automated_backups_replication(**valid)["DBInstanceAutomatedBackup"]
    arn = {"DBInstanceAutomatedBackupsArn": copy["DBInstanceAutomatedBackupsArn"]}
    assert available(here, NAME)["DBInstanceAutomatedBackupsReplications"] == [arn]

    ask(aws, instance, "CREATE TABLE copied ()")
    there.stop_db_instance_automated_backups_replication(**source)
    ask(aws, instance, "DROP TABLE copied")
    with pytest.raises(ClientError, match="not replicating to the current region"):
        there.stop_db_instance_automated_backups_replication(**source)
    with pytest.raises(ClientError, match="DBInstanceAutomatedBackupNotFound"):
        here.describe_db_instance_automated_backups(**arn)
    (retained,) = there.describe_db_instance_automated_backups(**arn)["DBInstanceAutomatedBackups"]
    assert [one["Status"] for one in (copy, retained)] == ["replicating", "retained"]

    there.restore_db_instance_to_point_in_time(
        SourceDBInstanceAutomatedBackupsArn=copy["DBInstanceAutomatedBackupsArn"],
        TargetDBInstanceIdentifier="there",
        UseLatestRestorableTime=True,
    )
    restored = available(there, "there")
    assert restored["KmsKeyId"] == valid["KmsKeyId"]
    # Its master has the password of that time.
    assert ask(aws, {**instance, "Endpoint": restored["Endpoint"]}, "SELECT * FROM copied") == []


def names(aws: MotoServer, name: str) -> list[str]:
    """Let RDS manage the master's password of a restored instance, and return what is in it."""
    rds = aws.client("rds")
    available(rds, name)
    rds.modify_db_instance(DBInstanceIdentifier=name, ManageMasterUserPassword=True, ApplyImmediately=True)
    return [name for (name,) in ask(aws, available(rds, name), "SELECT name FROM moments")]
