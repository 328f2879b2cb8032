"""The administrator of one local AWS: credentials that are generated when it starts."""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

_FILE = "aws.env"


@dataclass(frozen=True)
class Administrator:
    """Credentials of the account's administrator.

    Attributes:
        access_key_id: a bearer secret here, because the local AWS does not verify signatures.
        secret_access_key: what SDKs sign with.
    """

    access_key_id: str = field(default_factory=lambda: f"REHEARSAL{secrets.token_hex(16).upper()}", repr=False)
    secret_access_key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def write(self, run_directory: Path, endpoint: str, region: str) -> None:
        """Store the credentials as a file that a shell can source, readable by its owner only."""
        exported = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,  # what version 1 of the AWS CLI reads
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        lines = [f"export {name}={value}" for name, value in exported.items()]
        part = run_directory / f"{_FILE}.part"
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write("\n".join([*lines, "unset AWS_PROFILE AWS_SESSION_TOKEN", ""]))
        part.rename(run_directory / _FILE)

    @classmethod
    def read(cls, run_directory: Path) -> Self:
        """Read what ``write`` stored.

        Raises:
            OSError: no local AWS has started in this folder.
        """
        lines = (run_directory / _FILE).read_text().splitlines()
        exported = dict(line.removeprefix("export ").partition("=")[::2] for line in lines)
        return cls(exported["AWS_ACCESS_KEY_ID"], exported["AWS_SECRET_ACCESS_KEY"])

    def is_key(self, access_key_id: str) -> bool:
        """Return True if an access key ID is the administrator's; in constant time."""
        return secrets.compare_digest(access_key_id.encode(), self.access_key_id.encode())

    @property
    def credentials(self) -> dict[str, str]:
        """The credentials as arguments of ``boto3.client``."""
        return {"aws_access_key_id": self.access_key_id, "aws_secret_access_key": self.secret_access_key}

    @property
    def authorization(self) -> dict[str, str]:
        """The header that the endpoints below ``/_rehearsal/`` require."""
        return {"Authorization": f"Bearer {self.access_key_id}"}
