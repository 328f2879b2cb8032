"""The function that Secrets Manager invokes, once for each step of a rotation.

Every failure is raised, so that Secrets Manager stops, records it in CloudTrail, and retries the whole rotation.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from db_bootstrap.credentials.rotation import Rotation, RotationEvent, StepReport
from db_bootstrap.credentials.store import master_credential, store_of_runtime
from db_bootstrap.errors import ConfigurationError, EventError
from db_bootstrap.lambdas.handler import handler, logger
from db_bootstrap.settings import Settings
from db_bootstrap.values import dataclass

_ROTATED_LOGINS = "ROTATED_LOGINS"


@dataclass(frozen=True)
class RotationSettings:
    """The function's settings.

    Attributes:
        function: The settings that it shares with the other functions.
        login_by_secret_arn: From ROTATED_LOGINS, a JSON object with each login's secret ARN, by the login's name.
    """

    function: Settings
    login_by_secret_arn: dict[str, str]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "RotationSettings":
        """Read the settings.

        Raises:
            ConfigurationError: One is missing or invalid.
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
            raise ConfigurationError(f"{_ROTATED_LOGINS} names a secret twice; give each login a separate one.")
        return cls(Settings.from_environment(environment), {arn: login for login, arn in arns.items()})

    def login_of(self, secret_arn: str) -> str:
        """Return the login that a secret belongs to.

        Raises:
            EventError: This function does not rotate it.
        """
        if secret_arn not in self.login_by_secret_arn:
            raise EventError(
                f"This function does not rotate the secret {secret_arn}; {_ROTATED_LOGINS} lists those that it does."
            )
        return self.login_by_secret_arn[secret_arn]


@handler("Rotation step failed")
def rotate(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run one step of a rotation.

    Returns:
        What was done, without a password. Secrets Manager ignores it.

    Raises:
        BootstrapError: The step failed; the current version continues to log in.
    """
    request = RotationEvent.parse(event)
    logger.append_keys(step=request.step, secret_arn=request.secret_arn, version_id=request.version_id)
    settings = RotationSettings.from_environment(os.environ)
    login = settings.login_of(request.secret_arn)
    logger.append_keys(login=login)
    store = store_of_runtime()
    rotation = Rotation(
        store,
        settings.function.endpoint,
        lambda: master_credential(settings.function, store),
        login,
        request.secret_arn,
        request.version_id,
        lambda: context.get_remaining_time_in_millis() / 1000,
    )
    report = rotation.run(request.step)
    return _logged(report)


def _logged(report: StepReport) -> dict[str, Any]:
    for sql, reason in report.repair.changes:
        logger.warning("Login role repaired", sql=sql, reason=reason)
    for note in report.repair.notes:
        logger.warning("Login roles left different", note=note)
    logger.info(
        "Rotation step completed",
        outcome=report.outcome,
        username=report.username,
        replaced=report.replaced,
        read_table=report.read_table,
    )
    return asdict(report)
