"""Databases with an access document, and logins that rotate."""

import functools
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devtools.postgres.binaries import Binaries, servers_by_major
from devtools.postgres.cluster import Cluster
from devtools.postgres.role_patch import RolePatch
from tests.support.access import Access
from tests.support.command_line import CommandLine
from tests.support.database import Database, Servers
from tests.support.workshop import Workshop, workshop_in

if TYPE_CHECKING:
    from tests.support.rotation import RotatedLogins, SecretsManager


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest, servers: Servers) -> Cluster:
    """A server whose masters have RDS's rights: of the deployed version, unless the test is marked ``each_major``."""
    return servers.get(getattr(request, "param", None) or Binaries.find(), RolePatch.DOCUMENTED)


@pytest.fixture
def cellar(database: Database) -> Access:
    return Access(database)


@pytest.fixture
def elsewhere(cellar: Access, postgres: Cluster) -> Iterator[Access]:
    """Another database of the same server and master."""
    other = Access(cellar.database)
    name = f"{cellar.database.name}_two"
    postgres.create_database(name, cellar.database.master)
    other.database_name = other.raw["database"] = name
    yield other
    postgres.admin(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def settled_cellar(postgres: Cluster) -> Iterator[Access]:
    """One for tests that leave it as they found it."""
    database = Database(postgres, f"test_{secrets.token_hex(4)}")
    yield Access(database)
    database.drop()


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[SecretsManager]":
    """A Secrets Manager for a module's tests, which make their secrets in it by separate names."""
    from tests.support.rotation import secrets_manager  # noqa: PLC0415 - only these tests need the local AWS

    with secrets_manager(tmp_path_factory.mktemp("secrets-manager")) as running:
        yield running


@pytest.fixture
def own_logins(cellar: Access, manager: "SecretsManager") -> "RotatedLogins":
    """For tests of rotations that need the first credentials, or leave something behind."""
    from tests.support.rotation import RotatedLogins  # noqa: PLC0415

    return RotatedLogins(cellar, manager)


@pytest.fixture(scope="module")
def logins(settled_cellar: Access, manager: "SecretsManager") -> "RotatedLogins":
    """For all others: each test ends with a finished rotation, by either login role."""
    from tests.support.rotation import RotatedLogins  # noqa: PLC0415

    return RotatedLogins(settled_cellar, manager)


@pytest.fixture
def command_line(cellar: Access, tmp_path: Path) -> CommandLine:
    return CommandLine(cellar, tmp_path)


@pytest.fixture(scope="module")
def workshops(postgres: Cluster, servers: Servers) -> Iterator[Callable[[RolePatch], Workshop]]:
    """Return the workshop on a server of each variant of RDS."""
    binaries = next(server for server in servers_by_major() if server.major == postgres.major)
    with ExitStack() as stack:
        yield functools.cache(lambda patch: stack.enter_context(workshop_in(servers.get(binaries, patch))))


@pytest.fixture(scope="module")
def workshop(workshops: Callable[[RolePatch], Workshop]) -> Workshop:
    return workshops(RolePatch.DOCUMENTED)
