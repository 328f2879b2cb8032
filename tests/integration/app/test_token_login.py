"""The service and its migration log in with IAM tokens instead of passwords."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.load import Load
from tests.support.local_aws import REGION
from tests.support.served import MIGRATE, run, serving
from tests.support.token_database import TokenDatabase, token_database

pytestmark = pytest.mark.database

APP, MIGRATOR = "beers_app", "beers_migrator"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenDatabase]:
    """A database with the two logins, both by token, and no tables."""
    statements = (
        f"CREATE ROLE {APP} LOGIN",
        f"CREATE ROLE {MIGRATOR} LOGIN",
        f"GRANT rds_iam TO {APP}, {MIGRATOR}",
        f"GRANT {MIGRATOR} TO CURRENT_USER",
        f"CREATE SCHEMA beers AUTHORIZATION {MIGRATOR}",
        f"GRANT USAGE ON SCHEMA beers TO {APP}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {MIGRATOR} IN SCHEMA beers GRANT SELECT, INSERT, UPDATE ON TABLES TO {APP}",
    )
    with token_database(tmp_path_factory.mktemp("run"), *statements) as database:
        yield database


def variables(database: TokenDatabase, keys: dict[str, str], user: str) -> dict[str, str]:
    """Return what a task of ECS is given."""
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
        "AWS_REGION": REGION,
        # Nothing answers there: a token is signed without asking.
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "DATABASE_CA_FILE": str(database.aws.context.authority.ca_file),
        "DATABASE_IAM_URL": f"postgresql://{user}@{database.host}:{database.port}/beers",
    }


def test_migration_and_service_log_in_with_iam_tokens(database: TokenDatabase, tmp_path: Path) -> None:
    allowed = database.role("migrate", database.user_arn(MIGRATOR))
    migrated = run(MIGRATE, **variables(database, allowed, MIGRATOR))
    assert migrated.returncode == 0, migrated.stderr
    keys = database.role("task", database.user_arn(APP))
    with serving(tmp_path, **variables(database, keys, APP), DATABASE_POOL_RECYCLE_SECONDS="1") as served:
        with Load([served.address], connections=8) as load:
            load.wait_for(400)
        assert load.failures == []
        served.stop()
        log = served.log_text()
    assert [secret for secret in (keys["SecretAccessKey"], keys["SessionToken"], "X-Amz-") if secret in log] == []


def test_a_login_without_rds_db_connect_names_the_missing_permission(database: TokenDatabase, tmp_path: Path) -> None:
    keys = database.role("powerless", database.user_arn("another"))
    migrated = run(MIGRATE, **variables(database, keys, MIGRATOR))
    assert migrated.returncode == 1
    assert "the role needs rds-db:connect" in migrated.stderr
    assert "X-Amz-" not in migrated.stderr
    with serving(tmp_path, **variables(database, keys, APP)) as served:
        refused = served.request("GET", "/readyz")
        assert (refused.status, refused.json()["detail"]) == (
            503,
            "The database is unavailable right now. Please try again.",
        )
        served.stop()
        assert "X-Amz-" not in served.log_text()
