"""GitHub's REST API through the program ``gh``, which keeps the login. Retries and error messages are in one place.

Limits: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from scripts.environment import CommandError

_ATTEMPTS = 4
_LONGEST_WAIT_SECONDS = 120
_NO_LOGIN = 4  # `gh help exit-codes`
_NOT_IN_PLAN = re.compile(r"upgrade to|billing plan|not available|Invalid rule 'merge_queue'", re.IGNORECASE)
_ADVICE = {
    0: "GitHub cannot be reached. Run it again; it continues there.",
    401: "Log in: gh auth login. A workflow sets GITHUB_TOKEN.",
    403: "The login, or the job's token, lacks a permission.",
    404: "It does not exist, or the login cannot see it: check the name and gh auth status.",
    429: "GitHub limits the rate of requests. Run it again within an hour; it continues there.",
    500: "GitHub has a problem (https://www.githubstatus.com). Run it again; it continues there.",
}


@dataclass(frozen=True)
class Answer:
    """HTTP's status (0 if there is no answer), headers by lower-case names, decoded JSON."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


class GitHubError(CommandError):
    """GitHub refused, or did not answer; the message says what to do."""

    def __init__(self, request: str, answer: Answer) -> None:
        message = _message(answer)
        self.is_not_in_plan = answer.status in (403, 404, 422) and bool(_NOT_IN_PLAN.search(message))
        super().__init__(
            f"{_ADVICE.get(_kind(answer), 'GitHub refused.')} ({request}: {answer.status} {message[:500]})"
        )


def _message(answer: Answer) -> str:
    if not isinstance(answer.body, dict):
        return str(answer.body or "")
    return " ".join(str(part) for part in (answer.body.get("message", ""), *(answer.body.get("errors") or [])))


def _kind(answer: Answer) -> int:
    """Return 429 for each rate limit, 500 for each fault of GitHub, any other status as it is."""
    limited = "retry-after" in answer.headers or "rate limit" in _message(answer).lower()
    is_forbidden = answer.status == HTTPStatus.FORBIDDEN
    return HTTPStatus.TOO_MANY_REQUESTS if is_forbidden and limited else min(answer.status, 500)


def _pause(answer: Answer, attempt: int) -> float | None:
    """Return the seconds until another attempt; None if that cannot help."""
    if _kind(answer) != HTTPStatus.TOO_MANY_REQUESTS:
        return 2.0**attempt if _kind(answer) in (0, 500) else None
    is_exhausted = answer.headers.get("x-ratelimit-remaining") == "0"  # the hourly limit
    reset = float(answer.headers.get("x-ratelimit-reset", 0)) - time.time()
    return float(answer.headers.get("retry-after") or (max(reset, 1) if is_exhausted else 60))


def run_gh(method: str, path: str, body: object = None) -> Answer:
    """Send one request; the body goes through standard input, because process lists show arguments."""
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com").removeprefix("https://")
    enterprise = {"GH_HOST": server, "GH_ENTERPRISE_TOKEN": os.environ.get("GITHUB_TOKEN", "")}
    given = [] if body is None else ["--input", "-"]
    try:
        done = subprocess.run(
            ["gh", "api", "--include", "--method", method, path, *given],  # noqa: S607 - of the PATH
            input=json.dumps(body),
            env={**os.environ, **({} if server == "github.com" else enterprise)},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return Answer(401, body="There is no program gh: install it from https://cli.github.com")
    found = re.match(r"HTTP/\S+ (\d{3}).*\n((?:.+\n)*)\n?((?s:.*))", done.stdout)
    if not found:
        return Answer(401 if done.returncode == _NO_LOGIN else 0, body=done.stderr.strip())
    headers = dict(re.findall(r"^([\w-]+): *(.*)$", found[2].lower(), re.MULTILINE))
    is_json = "json" in headers.get("content-type", "")  # a proxy's page is not
    return Answer(int(found[1]), headers, json.loads(found[3]) if is_json and found[3] else found[3])


@dataclass(frozen=True)
class GitHub:
    """A client that waits and tries again, within bounds; ``send`` makes one request."""

    send: Callable[[str, str, object], Answer] = run_gh
    sleep: Callable[[float], None] = time.sleep

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Return the JSON of a successful answer, or raise GitHubError."""
        return self._answer(method, path, body).body

    def pages(self, path: str, key: str | None = None) -> Iterator[Any]:
        """Yield each entry of a list, over all its pages; ``key`` names the list in the answer."""
        number, more = 1, True
        while more:
            answer = self._answer("GET", f"{path}{'&' if '?' in path else '?'}per_page=100&page={number}")
            yield from answer.body[key] if key else answer.body
            number, more = number + 1, 'rel="next"' in answer.headers.get("link", "")

    def _answer(self, method: str, path: str, body: object = None) -> Answer:
        for attempt in range(1, _ATTEMPTS + 1):
            answer = self.send(method, path, body)
            arrived = attempt > 1 and method == "POST" and re.search("already exists|unique", _message(answer))
            if answer.status in range(200, 300) or arrived:  # an earlier attempt arrived although it seemed to fail
                return answer
            pause = _pause(answer, attempt)
            if pause is None or pause > _LONGEST_WAIT_SECONDS or attempt == _ATTEMPTS:
                break
            self.sleep(pause)
        raise GitHubError(f"{method} {path}", answer)
