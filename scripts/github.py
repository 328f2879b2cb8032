"""Keep one comment of a pull request, or one issue, up to date: found again by a mark in its text.

Talks to GitHub's API with the token of the workflow's job, and to nothing else.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PAGE = 100
_TIMEOUT_SECONDS = 30


class GitHubError(Exception):
    """GitHub refused, or did not answer."""


@dataclass(frozen=True)
class Repository:
    """One repository of GitHub's API.

    Attributes:
        url: of the API, without a slash at its end.
        name: OWNER/REPOSITORY.
        token: of the job.
    """

    url: str
    name: str
    token: str

    def request(self, method: str, path: str, body: object = None) -> Any:
        """The JSON that GitHub answers.

        Raises:
            GitHubError: with what it said.
        """
        request = urllib.request.Request(  # noqa: S310 - the API's own address
            f"{self.url}/repos/{self.name}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Accept": "application/vnd.github+json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                said = error.read(500).decode(errors="replace")
            raise GitHubError(f"GitHub answered {method} {path} with {error.code}: {said}") from error
        except OSError as error:
            raise GitHubError(f"GitHub does not answer {method} {path}: {error}") from error

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list, over all its pages."""
        number = 1
        while True:
            entries = self.request("GET", f"{path}{'&' if '?' in path else '?'}per_page={_PAGE}&page={number}")
            yield from entries
            if len(entries) < _PAGE:
                return
            number += 1


def keep_comment(repository: Repository, number: int, mark: str, text: str) -> None:
    """Write the comment of a pull request that has the mark, or add it."""
    body = {"body": f"{mark}\n{text}"}
    comments = repository.pages(f"issues/{number}/comments")
    known = next((comment["id"] for comment in comments if _is_ours(comment, mark)), None)
    if known is None:
        repository.request("POST", f"issues/{number}/comments", body)
    else:
        repository.request("PATCH", f"issues/comments/{known}", body)


def keep_issue(repository: Repository, title: str, mark: str, text: str | None) -> None:
    """Write the open issue that has the mark, or open it; with no text, close it."""
    issues = (issue for issue in repository.pages("issues?state=open") if "pull_request" not in issue)
    known = next((issue["number"] for issue in issues if _is_ours(issue, mark)), None)
    if text is None:
        if known is not None:
            repository.request("PATCH", f"issues/{known}", {"state": "closed"})
    elif known is None:
        repository.request("POST", "issues", {"title": title, "body": f"{mark}\n{text}"})
    else:
        repository.request("PATCH", f"issues/{known}", {"title": title, "body": f"{mark}\n{text}"})


def _is_ours(entry: Mapping[str, Any], mark: str) -> bool:
    """Whether the workflows wrote it: a person may quote the mark."""
    return bool(entry["user"]["type"] == "Bot" and (entry["body"] or "").startswith(mark))


def main(arguments: list[str], settings: Mapping[str, str]) -> int:
    """Post the file that is named."""
    parser = argparse.ArgumentParser(description="Keep one comment or one issue up to date.")
    commands = parser.add_subparsers(dest="command", required=True)
    comment = commands.add_parser("comment", help="of the pull request PULL_REQUEST")
    comment.add_argument("file", type=Path)
    issue = commands.add_parser("issue", help="about the drift of ENVIRONMENT; closed when CHANGES=false")
    issue.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    try:
        repository = Repository(
            settings.get("GITHUB_API_URL", "https://api.github.com"),
            settings["GITHUB_REPOSITORY"],
            settings["GITHUB_TOKEN"],
        )
        if options.command == "comment":
            keep_comment(repository, int(settings["PULL_REQUEST"]), "<!-- plan -->", options.file.read_text())
        else:
            name = settings["ENVIRONMENT"]
            text = None if settings["CHANGES"] == "false" else options.file.read_text()
            keep_issue(repository, f"{name} is not what main or its last release says", f"<!-- drift {name} -->", text)
    except KeyError as error:
        print(f"Set {error.args[0]}; the workflows do.", file=sys.stderr)
        return 1
    except GitHubError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
