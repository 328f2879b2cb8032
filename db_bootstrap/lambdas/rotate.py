"""What Secrets Manager calls: once for each step of a rotation.

Whatever goes wrong is raised, so that Secrets Manager stops, tells CloudTrail, and tries the whole rotation again.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from db_bootstrap.credentials.rotation import Rotation, RotationEvent, StepReport
from db_bootstrap.credentials.store import store_of_runtime
from db_bootstrap.errors import BootstrapError, ConfigurationError, EventError
from db_bootstrap.settings import Settings

logger = Logger()

_ROTATED_LOGINS = "ROTATED_LOGINS"


@dataclass(frozen=True)
class RotationSettings:
    """The function's environment.

    Attributes:
        function: What it shares with the bootstrap.
        login_by_secret_arn: ROTATED_LOGINS, a JSON object that has the ARN of each login's secret, by the login's name.
    """

    function: Settings
    login_by_secret_arn: dict[str, str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "RotationSettings":
        """Read the settings.

        Raises:
            ConfigurationError: One is missing or cannot be used.
        """
        try:
            arns = json.loads(environment.get(_ROTATED_LOGINS, ""))
        except ValueError:
            arns = None
        if not isinstance(arns, dict) or not all(isinstance(arn, str) and arn for arn in arns.values()):
            raise ConfigurationError(
                f"{_ROTATED_LOGINS} must be a JSON object with the ARN of each rotated login's secret, by the login's "
                "name; set it in Terraform."
            )
        if len(set(arns.values())) != len(arns):
            raise ConfigurationError(f"{_ROTATED_LOGINS} names a secret twice; give each login one of its own.")
        return cls(Settings.from_environment(environment), {arn: login for login, arn in arns.items()})

    def login_of(self, secret_arn: str) -> str:
        """The login that a secret belongs to.

        Raises:
            EventError: It is none of this function's.
        """
        if secret_arn not in self.login_by_secret_arn:
            raise EventError(
                f"The secret {secret_arn} is none that this function rotates; {_ROTATED_LOGINS} names them."
            )
        return self.login_by_secret_arn[secret_arn]


@logger.inject_lambda_context(clear_state=True)
def rotate(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Do one step of a rotation.

    Returns:
        What was done, without a password. Secrets Manager does not look at it.

    Raises:
        BootstrapError: It was not done; what is current goes on logging in.
    """
    try:
        asked = RotationEvent.parse(event)
        logger.append_keys(step=asked.step, secret_arn=asked.secret_arn, version_id=asked.version_id)
        settings = RotationSettings.from_environment(os.environ)
        login = settings.login_of(asked.secret_arn)
        logger.append_keys(login=login)
        rotation = Rotation(
            store_of_runtime(),
            settings.function.endpoint,
            settings.function.master_secret_arn,
            login,
            asked.secret_arn,
            asked.version_id,
            lambda: context.get_remaining_time_in_millis() / 1000,
        )
        report = rotation.run(asked.step)
    except BootstrapError as error:
        # Without a traceback: the message is made for its reader, and Lambda adds the trace to its own record.
        logger.error("Not done", error=type(error).__name__, reason=str(error))  # noqa: TRY400
        raise
    return _logged(report)


def _logged(report: StepReport) -> dict[str, Any]:
    for change in report.mended:
        logger.warning("Mended a login role", sql=change.sql, reason=change.reason)
    logger.info(
        "Did a step",
        outcome=report.outcome,
        username=report.username,
        replaced=report.replaced,
        read_table=report.read_table,
    )
    return asdict(report)
