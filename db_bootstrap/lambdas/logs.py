"""The logging that the handlers share."""

from collections.abc import Iterator
from contextlib import contextmanager

from aws_lambda_powertools import Logger

from db_bootstrap.errors import BootstrapError


@contextmanager
def failure_logged(logger: Logger, message: str) -> Iterator[None]:
    """Log an error of this package before it is raised, without its traceback, which Lambda logs itself."""
    try:
        yield
    except BootstrapError as error:
        logger.error(message, error=type(error).__name__, reason=str(error))  # noqa: TRY400 - see above
        raise
