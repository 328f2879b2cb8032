"""``python -m db_bootstrap`` against a real server, in a separate process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from devtools.checkout import CHECKOUT
from tests.support.access import Access

PROGRAM = (sys.executable, "-m", "db_bootstrap")


class CommandLine:
    """Runs ``python -m db_bootstrap`` for a document and a database."""

    def __init__(self, cellar: Access, folder: Path) -> None:
        self.cellar = cellar
        self.file = folder / "access.json"

    def environment(self, password: str | None = None) -> dict[str, str]:
        return {**os.environ, "PGPASSWORD": password or self.cellar.database.password, "PYTHONPATH": str(CHECKOUT)}

    def run(self, action: str, *options: str, password: str | None = None) -> tuple[int, str]:
        """Run an action for the document; return the exit status and the output."""
        self.file.write_text(json.dumps(self.cellar.raw))
        return self.ask(action, "--document", str(self.file), *options, password=password)

    def ask(self, action: str, *options: str, password: str | None = None) -> tuple[int, str]:
        """Run an action that reads no document. No output contains the password; an error is one paragraph."""
        environment = self.environment(password)
        command = [*PROGRAM, action, "--dsn", self.dsn(), *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert environment["PGPASSWORD"] not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        if done.returncode == 1:
            assert done.stderr.strip(), "an error is printed"
            assert "\n\n" not in done.stderr, "in one paragraph"
            return 1, done.stdout + done.stderr
        assert done.stderr == ""
        return done.returncode, done.stdout

    def dsn(self) -> str:
        endpoint, master = self.cellar.endpoint, quote(self.cellar.database.master)
        query = f"sslmode=verify-full&sslrootcert={quote(str(endpoint.ca_file))}"
        return f"postgresql://{master}@{endpoint.host}:{endpoint.port}/{endpoint.database}?{query}"

    def planned(self) -> dict[str, Any]:
        status, output = self.run("plan", "--format", "json")
        plan: dict[str, Any] = json.loads(output)
        assert status == (0 if plan["in_sync"] else 2)
        return plan
