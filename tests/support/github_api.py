"""GitHub for one test: a repository in a file, and a program ``gh`` that answers from it."""

import json
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devtools.checkout import CHECKOUT
from scripts.github.api import Answer
from scripts.github.settings import FILE
from tests.support import gh_program

# The settings file, but with the first reviewer: a user names others.
_REVIEWED = "environments:\n  prod: { reviewers: [OWNER], prevent_self_review: true }\n"
SETTINGS = re.sub(r"^environments:.*?(?=^\S)", _REVIEWED, (CHECKOUT / FILE).read_text(), flags=re.MULTILINE | re.DOTALL)
# Outputs of terraform/account.
ACCOUNT: dict[str, Any] = {
    "state_bucket_name": "states",
    "region": "eu-west-1",
    "image_repository_url": "registry/taproom",
    "deploy_role_arns": {name: f"arn:{name}" for name in ("dev", "staging", "prod")},
    **{f"{role}_role_arn": f"arn:{role}" for role in ("build", "drift", "plan", "release_plan")},
}
_NEW = {
    "repos/example/taproom": {
        "default_branch": "main",
        "full_name": "example/taproom",
        "id": 2,
        "owner": {"id": 1, "login": "example"},
        "permissions": {"admin": True},
    },
    "repos/example/taproom/actions/permissions/workflow": {"default_workflow_permissions": "write"},
    "users/example": {"type": "User", "id": 7, "login": "example"},
}


@dataclass
class GitHubApi:
    """A repository; ``url`` is the file, which the program finds in GITHUB_STATE."""

    url: str

    @property
    def changes(self) -> list[tuple[str, str, Any]]:
        """Return the successful requests that changed something: method, path below the repository, body."""
        return [(method, path.split("/", 3)[3], body) for method, path, body in self.read()["changes"]]

    def read(self) -> Any:
        return json.loads(Path(self.url).read_text())

    def send(self, method: str, path: str, body: object) -> Answer:
        """Answer without the program, which takes longer."""
        status, headers, answer = gh_program.answer(self.url, method, path, body)
        return Answer(status, {name.lower(): value for name, value in headers.items()}, answer)

    def add(self, path: str, entry: Any) -> None:
        """Let GitHub have an entry at a path."""
        state = self.read()
        Path(self.url).write_text(json.dumps({**state, "entries": {**state["entries"], path: entry}}))

    def fail(self, request: str, status: int, message: str, times: int) -> None:
        """Let the next ``times`` requests that match a pattern (``METHOD path``) fail; negative: each."""
        failure = {"request": request, "status": status, "message": message, "times": times}
        state = self.read()
        Path(self.url).write_text(json.dumps({**state, "failures": [*state["failures"], failure]}))


@contextmanager
def github_api() -> Iterator[GitHubApi]:
    """Keep a repository until the end of the block."""
    with tempfile.TemporaryDirectory() as folder:
        api = GitHubApi(str(Path(folder) / "github.json"))
        Path(api.url).write_text(json.dumps({"entries": _NEW, "changes": [], "failures": []}))
        yield api


def install_gh(folder: Path) -> None:
    """Put the program into a folder of the PATH; commands other than ``gh api`` are written to the file CALLS."""
    program = folder / "gh"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -IS "{gh_program.__file__}" "$@"\n')
    program.chmod(0o755)
