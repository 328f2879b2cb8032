"""Serve the application on this machine without any AWS, for development.

It runs the two commands of the task definition, the migration and then the image's, in the foreground. The database is
the one that DATABASE_URL names, or else a server that lives as long as the command.
"""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devtools.certificates import create_authority
from devtools.checkout import CHECKOUT
from devtools.errors import UserError
from devtools.images.store import command_of
from devtools.ports import is_free
from devtools.postgres.binaries import Binaries
from devtools.postgres.cluster import Cluster
from devtools.processes import ProcessRegister

DEFAULT_PORT = 8000
_OWNER = "taproom"


def serve(port: int) -> int:
    """Migrate the database and serve until an interrupt; the server's exit code.

    Raises:
        UserError: the port is taken, or no PostgreSQL runs here.
    """
    if not is_free(port):
        raise UserError(f"Port {port} of 127.0.0.1 is taken. Name another one, such as `make run PORT=8001`.")
    with _database_url() as url:
        environment = {**os.environ, "DATABASE_URL": url, "HOST": "127.0.0.1", "PORT": str(port)}
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        migrated = subprocess.run([sys.executable, "-m", "app", "migrate"], cwd=CHECKOUT, env=environment, check=False)
        if migrated.returncode != 0:
            return migrated.returncode
        print(
            f"Serving http://127.0.0.1:{port}/beers until Ctrl-C. Try `curl -X POST http://127.0.0.1:{port}/beers/seed`."
        )
        server = subprocess.Popen(command_of(CHECKOUT / "Dockerfile"), cwd=CHECKOUT, env=environment)
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.terminate()
            return server.wait()


@contextmanager
def _database_url() -> Iterator[str]:
    if os.environ.get("DATABASE_URL"):
        yield os.environ["DATABASE_URL"]
        return
    with tempfile.TemporaryDirectory(prefix="taproom-run-") as scratch:
        folder = Path(scratch)
        cluster = Cluster(
            Binaries.find(),
            create_authority(folder),
            processes=ProcessRegister(folder / "processes.jsonl"),
            log=folder / "postgresql.log",
            require_tls=False,
        )
        try:
            cluster.start()
            password = secrets.token_urlsafe(18)
            cluster.create_master(_OWNER, password)
            cluster.create_database("beers", _OWNER)
            print(f"DATABASE_URL is not set: PostgreSQL {cluster.major} runs until Ctrl-C, which deletes its data.")
            yield f"postgresql+pg8000://{_OWNER}:{password}@{cluster.host}:{cluster.port}/beers"
        finally:
            cluster.stop()
