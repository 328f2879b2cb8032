"""The service's maintenance commands: ``python -m app --help``."""

import argparse
import inspect
import logging
import re
import sys
from collections.abc import Sequence

from app.aws import SecretError
from app.database.migrate import MigrationError, known_revisions, migrate
from app.logs import configure_logging
from app.settings import Settings, SettingsError

_VARIABLES = (inspect.getdoc(Settings) or "").partition("Attributes:\n")[2]
_EPILOG = f"""\
migrate  migrates the database's tables to what this version of the service needs. Run it as the owner of schema beers.
         It is idempotent, and concurrent runs are safe.

The environment configures it; exactly one of DATABASE_URL, DATABASE_SECRET_ARN, DATABASE_SECRET and DATABASE_IAM_URL:
{re.sub(r"(?m)^    [a-z_]+(?=:)", lambda name: name[0].upper(), _VARIABLES)}
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
