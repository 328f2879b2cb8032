"""A certificate authority for one run.

It takes the place of Amazon's authority for RDS: the function and the service verify the database's certificate against
it, exactly as they verify RDS's against AWS's bundle. Its key lives in the run's folder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True)
class Authority:
    """An authority, as two PEM files."""

    ca_file: Path
    key_file: Path

    def issue(self, directory: Path, name: str, hosts: Sequence[str]) -> tuple[Path, Path]:
        """Issue a server certificate for ``hosts`` (names or addresses); the files ``name.crt`` and ``name.key``."""
        authority = trustme.CA.from_pem(self.ca_file.read_bytes(), self.key_file.read_bytes())
        certificate = authority.issue_cert(*hosts, common_name=name)
        directory.mkdir(parents=True, exist_ok=True)
        certificate_file, key_file = directory / f"{name}.crt", directory / f"{name}.key"
        certificate.cert_chain_pems[0].write_to_path(certificate_file)
        _write_key(key_file, certificate.private_key_pem)
        return certificate_file, key_file


def create_authority(directory: Path) -> Authority:
    """Create an authority in ``directory``, or return the existing one."""
    authority = Authority(directory / "ca.pem", directory / "ca.key")
    if authority.ca_file.exists() and authority.key_file.exists():
        return authority
    directory.mkdir(parents=True, exist_ok=True)
    created = trustme.CA(path_length=0, organization_name="Taproom rehearsal authority")
    _write_key(authority.key_file, created.private_key_pem)
    created.cert_pem.write_to_path(authority.ca_file)
    return authority


def _write_key(path: Path, key: trustme.Blob) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)  # before the content, which trustme would make readable for every user
    key.write_to_path(path)
