"""The functions' settings, from environment variables that Terraform sets."""

from collections.abc import Mapping
from pathlib import Path

from db_bootstrap.errors import ConfigurationError
from db_bootstrap.model import Endpoint
from db_bootstrap.values import dataclass

DEFAULT_CA_FILE = Path(__file__).parent.parent / "rds-ca.pem"


@dataclass(frozen=True)
class Settings:
    """The environment of a function.

    Attributes:
        endpoint: DATABASE_HOST, DATABASE_PORT, DATABASE_NAME, and DATABASE_CA_FILE or the file in the zip.
        master_secret_arn: MASTER_SECRET_ARN; not needed with an IAM master.
        master_iam_user: MASTER_IAM_USER, a master that logs in by IAM; empty if it logs in with its secret.
    """

    endpoint: Endpoint
    master_secret_arn: str
    master_iam_user: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings.

        Raises:
            ConfigurationError: One is missing, or the port is not a number.
        """
        iam_user = environment.get("MASTER_IAM_USER", "")
        needed = ["DATABASE_HOST", "DATABASE_PORT", "DATABASE_NAME", *([] if iam_user else ["MASTER_SECRET_ARN"])]
        missing = [name for name in needed if not environment.get(name)]
        if missing:
            raise ConfigurationError(f"The function's environment lacks {', '.join(missing)}; set them in Terraform.")
        port = environment["DATABASE_PORT"]
        if not port.isdigit():
            raise ConfigurationError(f"DATABASE_PORT is {port!r}; give a number.")
        ca_file = environment.get("DATABASE_CA_FILE") or str(DEFAULT_CA_FILE)
        endpoint = Endpoint(environment["DATABASE_HOST"], int(port), environment["DATABASE_NAME"], ca_file)
        return cls(endpoint, environment.get("MASTER_SECRET_ARN", ""), iam_user)
