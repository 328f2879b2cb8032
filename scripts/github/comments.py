"""Keep one comment of a pull request, or one issue, up to date: found again by a mark in its text."""

import os
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from scripts.environment import required, run_command
from scripts.github.api import GitHub

_LIMIT = 65_536  # characters of a comment or an issue
_CUT = "\n\n(Cut here, at GitHub's limit. The job's log has the rest.)\n"


def keep_comment(github: GitHub, repository: str, number: int, mark: str, text: str) -> None:
    """Write the comment of a pull request that has the mark, or add it."""
    issues = f"repos/{repository}/issues"
    comments = github.pages(f"{issues}/{number}/comments")
    known = next((comment["id"] for comment in comments if _is_ours(comment, mark)), None)
    body = {"body": _marked(mark, text)}
    if known is None:
        github.request("POST", f"{issues}/{number}/comments", body)
    else:
        github.request("PATCH", f"{issues}/comments/{known}", body)


def keep_issue(github: GitHub, repository: str, title: str, mark: str, text: str | None) -> None:
    """Write the open issue that has the mark, or open it; with no text, close it."""
    issues = f"repos/{repository}/issues"
    found = (issue for issue in github.pages(f"{issues}?state=open") if "pull_request" not in issue)
    known = next((issue["number"] for issue in found if _is_ours(issue, mark)), None)
    if text is not None:
        body = {"title": title, "body": _marked(mark, text)}
        github.request("PATCH" if known else "POST", f"{issues}/{known}" if known else issues, body)
    elif known is not None:
        github.request("PATCH", f"{issues}/{known}", {"state": "closed"})


def _marked(mark: str, text: str) -> str:
    whole = f"{mark}\n{text}"
    return whole if len(whole) <= _LIMIT else whole[: _LIMIT - len(_CUT)] + _CUT


def _is_ours(entry: Mapping[str, Any], mark: str) -> bool:
    """Return True if the workflows wrote it: a person can quote the mark."""
    return bool(entry["user"]["type"] == "Bot" and (entry["body"] or "").startswith(mark))


def post(settings: Mapping[str, str], command: str, file: str = "") -> None:
    """Post a file as the comment of PULL_REQUEST, or as the issue TITLE, which OPEN=false closes."""
    setting = partial(required, settings, meaning="the workflows do")
    repository, report = setting("GITHUB_REPOSITORY"), Path(file).read_text() if file else ""
    if command == "comment":
        keep_comment(GitHub(), repository, int(setting("PULL_REQUEST")), "<!-- plan -->", report)
        return
    title = setting("TITLE")
    run = f"{setting('GITHUB_SERVER_URL')}/{repository}/actions/runs/{setting('GITHUB_RUN_ID')}"
    text = None if setting("OPEN") == "false" else f"{report}\nThe run: {run}\n"
    keep_issue(GitHub(), repository, title, f"<!-- {title} -->", text)


if __name__ == "__main__":
    sys.exit(run_command(os.environ, lambda: post(os.environ, *sys.argv[1:])))
