"""Certificates of a run's own authority."""

import os
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.certificates import Authority, create_authority


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    """An authority made by an account whose new files everybody can read."""
    usual = os.umask(0)
    try:
        yield create_authority(tmp_path / "authority")
    finally:
        os.umask(usual)


def _handshake(authority: Authority, certificate: Path, key: Path, host: str) -> None:
    """Complete a TLS handshake in memory, with every check that Python knows."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(certificate, key)
    client_context = ssl.create_default_context(cafile=str(authority.ca_file))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    pending = [client, server, client, server]
    for side in pending:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert client.getpeercert()


def test_a_certificate_is_verified_for_its_names_and_addresses_only(authority: Authority, tmp_path: Path) -> None:
    certificate, key = authority.issue(tmp_path, "server", ["127.0.0.1", "localhost", "*.example.com"])
    for host in ("127.0.0.1", "localhost", "beers.example.com"):
        _handshake(authority, certificate, key, host)
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        _handshake(authority, certificate, key, "example.org")


def test_keys_are_readable_by_their_owner_alone(authority: Authority, tmp_path: Path) -> None:
    _, key = authority.issue(tmp_path, "server", ["localhost"])
    assert [stat.S_IMODE(path.stat().st_mode) for path in (key, authority.key_file)] == [0o600, 0o600]


def test_an_authority_is_created_once_for_a_folder(authority: Authority) -> None:
    before = authority.ca_file.read_bytes()
    assert create_authority(authority.ca_file.parent).ca_file.read_bytes() == before
