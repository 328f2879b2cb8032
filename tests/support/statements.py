"""The statements of the rehearsed policies, and which of them decided a request on their own.

Least privilege: without any one statement of a role's policies, something that was rehearsed would fail. The authorizer
records the single statement that decided a request, if there was one. That equals removing each statement in turn and
rehearsing again: without it, the request would have been decided differently. test_evaluate.py proves that rule.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localaws.iam.authorizer import TRUST
from rehearsal.terraform import Terraform
from tests.support.journal import journal_events
from tests.support.justified_statements import JUSTIFIED

# The rehearsals that are evaluated together; another one may need what one of them does not.
REHEARSALS = frozenset({"access", "dev", "prod"})

_ENVIRONMENT = re.compile(r"-(dev|staging|prod)\b")


@dataclass
class Statements:
    """Of one rehearsal; each as ``POLICY: STATEMENT``.

    The environment's name is left out: a decision in one environment counts for all.

    Attributes:
        declared: what Terraform created.
        decisive: those without which a call would have been refused that was allowed, or the other way round.
    """

    declared: set[str] = field(default_factory=set)
    decisive: set[str] = field(default_factory=set)

    def add_declared(self, *modules: Terraform) -> None:
        """Add what the states of root modules declare now."""
        for module in modules:
            for resource in json.loads(module.state())["resources"]:
                for instance in resource["instances"] if resource["mode"] == "managed" else []:
                    self.declared.update(_statements_in(resource["type"], instance["attributes"]))

    def add_decisive(self, logs: Path) -> None:
        """Add the decisions that the authorizer has recorded so far."""
        for event in journal_events(logs, "permission.decisive"):
            policy = f"{event['role']}: {TRUST}" if event["policy"] == TRUST else event["policy"]
            self.decisive.add(_general(f"{policy}: {event['statement']}"))

    def save(self, folder: Path, rehearsal: str) -> None:
        """Save this for `unneeded`."""
        folder.mkdir(exist_ok=True)
        half = folder / f"{rehearsal}.half"
        half.write_text(json.dumps({name: sorted(found) for name, found in asdict(self).items()}))
        half.rename(folder / f"{rehearsal}.json")


def unneeded(folder: Path) -> set[str]:
    """Return the statements that decided nothing in any rehearsal and are not justified.

    Rehearsals run in parallel: the one that ends last finds what all have saved, any other returns an empty set.
    """
    saved = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    if saved.keys() != REHEARSALS:
        return set()
    declared, decisive = ({name for half in saved.values() for name in half[kind]} for kind in ("declared", "decisive"))
    return declared - decisive - set().union(*JUSTIFIED.values())


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
