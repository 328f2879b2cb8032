"""The statements of the rehearsed policies, and which of them something hung on."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rehearsal.aws.permissions import TRUST

if TYPE_CHECKING:
    from tests.rehearsal.conftest import Rehearsal

_ENVIRONMENT = re.compile(r"-(dev|staging|prod)\b")


@dataclass
class Statements:
    """Collected over several rehearsals; each as ``POLICY: STATEMENT``.

    The environment's name is left out: what was seen of one environment counts for all.

    Attributes:
        declared: what Terraform made.
        decisive: those without which a call would have been refused that was allowed, or the other way round.
    """

    declared: set[str] = field(default_factory=set)
    decisive: set[str] = field(default_factory=set)

    def take_declared(self, rehearsal: "Rehearsal") -> None:
        """Read the states of account and environment as they are now."""
        for module in (rehearsal.deployment.account, rehearsal.deployment.environment):
            for resource in json.loads(module.state())["resources"]:
                for instance in resource["instances"] if resource["mode"] == "managed" else []:
                    self.declared.update(_statements_in(resource["type"], instance["attributes"]))

    def take_decisive(self, rehearsal: "Rehearsal") -> None:
        """Read what the judge has told the journal so far."""
        for line in (rehearsal.run.logs / "journal.jsonl").read_text().splitlines():
            event = json.loads(line)
            if event["kind"] == "permission.decisive":
                policy = f"{event['role']}: {TRUST}" if event["policy"] == TRUST else event["policy"]
                self.decisive.add(_general(f"{policy}: {event['statement']}"))


def _statements_in(kind: str, attributes: dict[str, Any]) -> Iterator[str]:
    match kind:
        case "aws_iam_role":
            name, document = f"{attributes['name']}: {TRUST}", attributes["assume_role_policy"]
        case "aws_iam_role_policy" | "aws_iam_policy":
            name, document = attributes["name"], attributes["policy"]
        case _:
            return
    for statement in json.loads(document)["Statement"]:
        yield _general(f"{name}: {statement['Sid']}")


def _general(name: str) -> str:
    return _ENVIRONMENT.sub("-ENVIRONMENT", name)
