"""What must be true of a deployment that has just been rehearsed, seen from outside through the load balancer."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

from rehearsal.deployment import Deployment
from rehearsal.errors import RehearsalError


def check_deployment(deployment: Deployment, url: str, digest: str, note: Callable[[str], None]) -> list[str]:
    """Try the service and plan again; what was found good, a sentence each.

    Raises:
        RehearsalError: the first thing that is not.
    """
    findings = []
    note("seeding twice")
    _ask("POST", f"{url}/beers/seed")
    first = _ask("GET", f"{url}/beers")
    _ask("POST", f"{url}/beers/seed")
    _expect(first == _ask("GET", f"{url}/beers"), "Seeding a second time changed the list of beers.")
    findings.append("seeding twice gives the same beers once")
    note("adding a beer")
    made = _ask("POST", f"{url}/beers", {"name": "Check", "style": "Pilsner", "abv": 4.8})
    _expect(_ask("GET", f"{url}/beers/{made['id']}") == made, "A beer that was added is not found again.")
    findings.append("a beer that is added is found again")
    note("planning again")
    plan = deployment.plan_environment(digest)
    changes = [change["address"] for change in (plan or {}).get("resource_changes", []) if _changes(change)]
    _expect(plan is None, f"A second plan is not empty: it would change {', '.join(changes) or 'outputs'}.")
    findings.append("a second plan is empty")
    return findings


def _ask(method: str, url: str, body: object = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - a fixed http address
        url,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)
    except (OSError, ValueError) as error:
        raise RehearsalError(f"{method} {url} failed: {error}") from error


def _expect(truth: bool, otherwise: str) -> None:  # noqa: FBT001 - it reads as a sentence
    if not truth:
        raise RehearsalError(otherwise)


def _changes(change: dict[str, Any]) -> bool:
    return bool(change["change"]["actions"] not in (["no-op"], ["read"]))
