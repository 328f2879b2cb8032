"""One local AWS for all tests of its API; each test makes its own resources in it, by names of its own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.local_aws import LocalAws

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running local AWS with the rooms that need nothing but moto."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            del os.environ[name]
    running = LocalAws(tmp_path_factory.mktemp("local-aws"))
    yield running
    running.stop()
