"""Certificates of a run's own authority."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from devtools.certificates import Authority, create_authority


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    """An authority made by an account whose new files every user can read."""
    usual = os.umask(0)
    try:
        yield create_authority(tmp_path / "authority")
    finally:
        os.umask(usual)


def test_keys_are_readable_by_their_owner_alone(authority: Authority, tmp_path: Path) -> None:
    _, key = authority.issue(tmp_path, "server", ["localhost"])
    assert [stat.S_IMODE(path.stat().st_mode) for path in (key, authority.key_file)] == [0o600, 0o600]
