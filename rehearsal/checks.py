"""What must be true of a deployment that has just been rehearsed, seen from outside through the load balancer."""

import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from devtools.errors import UserError
from rehearsal.deployment import Deployment


@dataclass(frozen=True)
class Service:
    """The rehearsed service.

    Attributes:
        url: where the load balancer answers.
        token: what changing the catalogue takes.
    """

    url: str
    token: str = field(repr=False)

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The JSON of an answer.

        Raises:
            UserError: there is none, or it is not a success.
        """
        request = urllib.request.Request(  # noqa: S310 - a fixed http address
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                return json.load(answer)
        except (OSError, ValueError) as error:
            raise UserError(f"{method} {self.url}{path} failed: {error}") from error


def check_deployment(deployment: Deployment, service: Service, digest: str, report: Callable[[str], None]) -> list[str]:
    """Try the service and plan again; what was found good, a sentence each.

    Raises:
        UserError: the first thing that is not.
    """
    findings = []
    report("seeding twice")
    service.ask("POST", "/beers/seed")
    first = service.ask("GET", "/beers")
    service.ask("POST", "/beers/seed")
    _expect(first == service.ask("GET", "/beers"), "Seeding a second time changed the list of beers.")
    findings.append("seeding twice gives the same beers once")
    report("adding a beer")
    made = service.ask("POST", "/beers", {"name": "Check", "style": "Pilsner", "abv": 4.8})
    _expect(service.ask("GET", f"/beers/{made['id']}") == made, "A beer that was added is not found again.")
    findings.append("a beer that is added is found again")
    report("planning again")
    plan = deployment.plan_environment(digest)
    changes = ", ".join(changed_addresses(plan or {})) or "outputs"
    _expect(plan is None, f"A second plan is not empty: it would change {changes}.")
    findings.append("a second plan is empty")
    return findings


def _expect(truth: bool, otherwise: str) -> None:  # noqa: FBT001 - it reads as a sentence
    if not truth:
        raise UserError(otherwise)


def changed_addresses(plan: Mapping[str, Any]) -> list[str]:
    """Return the addresses of the resources that a plan would change."""
    changes = plan.get("resource_changes", [])
    return [one["address"] for one in changes if one["change"]["actions"] not in (["no-op"], ["read"])]
