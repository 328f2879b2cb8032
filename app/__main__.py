"""The service's maintenance commands: ``python -m app --help``."""

import argparse
import logging
import sys
from collections.abc import Sequence

from app.aws import SecretError
from app.database.migrate import MigrationError, known_revisions, migrate
from app.logs import configure_logging
from app.settings import Settings, SettingsError

_EPILOG = """\
migrate  migrates the database's tables to what this version of the service needs. Run it as the owner of schema beers.
         It is idempotent, and concurrent runs are safe.

The database comes from the environment: exactly one of
  DATABASE_URL         postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full&sslrootcert=FILE
                       (plain text, without sslmode, only to this machine)
  DATABASE_SECRET_ARN  a secret in Secrets Manager: {"host", "port", "dbname", "username", "password"}
  DATABASE_SECRET      the JSON of such a secret
  DATABASE_IAM_URL     postgresql://USER@HOST:5432/DATABASE, with an RDS token that this process's AWS role signs as the
                       password; needs AWS_REGION
and DATABASE_CA_FILE   certificate authorities of the database server (default rds-ca.pem)
"""

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 if it succeeded and 1 if it failed."""
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Maintenance commands of the beer catalogue. gunicorn runs the service itself; see app/README.md.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["migrate"])
    parser.parse_args(arguments)
    try:
        settings = Settings.from_environment()
        configure_logging(settings.log_level)
        before, after = migrate(settings)
    except (SettingsError, SecretError, MigrationError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: The database cannot be reached: {error}", file=sys.stderr)
        return 1
    message = "Migrated" if after in known_revisions() else "Migration skipped, the database's revision is newer"
    _log.info(message, extra={"fields": {"before": before, "after": after}})
    return 0


if __name__ == "__main__":
    sys.exit(main())
