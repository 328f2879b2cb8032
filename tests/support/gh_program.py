"""Answers ``gh api`` as GitHub's REST API does, from a file. Started often, so it imports little."""

import fcntl
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

_LISTS = {"environments": "environments", "variables": "variables", "deployment-branch-policies": "branch_policies"}


def _respond(state: Any, method: str, address: str, body: Any) -> tuple[int, dict[str, str], Any]:
    for failure in state["failures"]:
        if failure["times"] and re.search(failure["request"], f"{method} {address}"):
            failure["times"] -= 1
            return failure["status"], {}, {"message": failure["message"]}
    entries, (path, _, query) = state["entries"], address.partition("?")
    kind = path.rpartition("/")[2]
    if method == "GET":
        if path in entries:
            return 200, {}, entries[path]
        below = [value for key, value in entries.items() if key.rpartition("/")[0] == path]
        if not below and kind not in {*_LISTS, "comments", "issues", "rulesets"}:
            return 404, {}, {"message": "Not Found"}
        listed = [value for value in below if "state=open" not in query or value.get("state") != "closed"]
        first, size = 30 * (int(query.rpartition("page=")[2]) - 1), 30
        link = {"Link": '<...>; rel="next"'} if len(listed) > first + size else {}
        page = listed[first : first + size]
        return 200, link, {_LISTS[kind]: page} if kind in _LISTS else page
    state["changes"].append((method, path, body))
    if method == "POST":
        number = len(state["changes"])
        body = {"id": number, "number": number, "user": {"type": "Bot"}, **body}
        path = f"{path}/{body['name'] if kind == 'variables' else number}"
    elif path not in entries and method != "PUT":  # a comment's address does not name its issue
        path = next(key for key in entries if key.split("/")[-2:] == path.split("/")[-2:])
    if method == "DELETE":
        return 204, {}, entries.pop(path)
    is_environment = path.rpartition("/")[0].endswith("environments")
    entries[path] = _environment(kind, body, entries) if is_environment else {**entries.get(path, {}), **body}
    return 200, {}, entries[path]


def answer(file: str, method: str, address: str, body: object) -> tuple[int, dict[str, str], Any]:
    """Answer a request from the state in a file, and keep what it changes."""
    with Path(file).open("r+") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        state = json.load(opened)
        answered = _respond(state, method, address.replace("{owner}/{repo}", "example/taproom"), body)
        opened.seek(0)
        opened.truncate()
        json.dump(state, opened)
    return answered


def _environment(name: str, body: Any, entries: Any) -> Any:
    """Describe an environment as GitHub does, not as a request does."""
    given = body.get("reviewers") or []
    assert all(who.keys() == {"type", "id"} for who in given)
    users = {user["id"]: user for path, user in entries.items() if path.startswith("users/")}
    people = [{"type": who["type"], "reviewer": users[who["id"]]} for who in given]
    review = {"type": "required_reviewers", "prevent_self_review": body.get("prevent_self_review"), "reviewers": people}
    policy = body["deployment_branch_policy"]
    return {"name": name, "protection_rules": [review] if people else [], "deployment_branch_policy": policy}


def _main(arguments: list[str]) -> int:
    if arguments[0] == "attestation":
        manifest = Path(arguments[2]).read_text()
        return int(not any(line in manifest for line in Path(f"{os.environ['CALLS']}.attested").read_text().split()))
    if arguments[:2] == ["release", "view"]:
        return 1
    if arguments[0] != "api":
        notes = Path("build/release-notes.md")
        with Path(os.environ["CALLS"]).open("a") as calls:
            calls.write(f"{' '.join(arguments)}\n{notes.read_text() if notes.exists() else ''}")
        return 0
    is_plain = "--include" not in arguments
    method, path = ("GET", arguments[1]) if is_plain else arguments[3:5]
    body = json.load(sys.stdin) if "--input" in arguments else None
    status, headers, content = answer(os.environ["GITHUB_STATE"], method, path, body)
    lines = "".join(f"{name}: {value}\r\n" for name, value in {"Content-Type": "application/json", **headers}.items())
    print(
        "" if is_plain else f"HTTP/2.0 {status} Status\n{lines}\r",
        "" if status == 204 else json.dumps(content),
        sep="\n",
    )
    return int(status > 299)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
