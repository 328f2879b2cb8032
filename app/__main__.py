"""Commands for the service's own affairs: ``python -m app --help``."""

import argparse
import logging
import sys
from collections.abc import Sequence

from app.database.credentials import CredentialError
from app.database.migrate import MigrationError, migrate
from app.logs import configure_logging
from app.settings import Settings, SettingsError

_ENVIRONMENT = """\
The database comes from the environment: exactly one of
  DATABASE_URL         postgresql://USER:PASSWORD@HOST:5432/DATABASE?sslmode=verify-full&sslrootcert=FILE
                       (plain text, without sslmode, only to this machine)
  DATABASE_SECRET_ARN  a secret in Secrets Manager: {"host", "port", "dbname", "username", "password"}
  DATABASE_SECRET      the JSON of such a secret
  DATABASE_IAM_URL     postgresql://USER@HOST:5432/DATABASE, logged in with a token for RDS that this process's AWS role
                       signs; needs AWS_REGION
and DATABASE_CA_FILE   certificates of the authorities for the database server (default rds-ca.pem)
"""

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0 when it succeeded and 1 when it failed."""
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="The beer catalogue's own commands. The service itself is run by gunicorn; see app/README.md.",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser(
        "migrate",
        help="bring the database's tables up to date",
        description="Bring the database's tables to what this version of the service needs. Run it as the owner of "
        "schema beers. It is safe to run again, and to run several times at once.",
        epilog=_ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    try:
        settings = Settings.from_environment()
        configure_logging(settings.log_level)
        done = migrate(settings)
    except (SettingsError, CredentialError, MigrationError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: The database cannot be reached: {error}", file=sys.stderr)
        return 1
    message = "Migrated by a newer version, left as it is" if done.is_newer else "Migrated"
    _log.info(message, extra={"fields": {"before": done.before, "after": done.after}})
    return 0


if __name__ == "__main__":
    sys.exit(main())
