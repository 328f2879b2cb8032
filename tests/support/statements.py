"""The statements of the rehearsed policies, and which of them something hung on.

No role may more than it must: without any one statement of its policies, something that was rehearsed would fail. The
authorizer records each statement that decided a request on its own. That is the same as removing each statement in turn
and rehearsing again: the request would be decided otherwise. test_evaluate.py shows so of the rule.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from localaws.iam.authorizer import TRUST
from tests.support.justified_statements import JUSTIFIED
from tests.support.rehearsal import Rehearsal

# The rehearsals that are looked back at; what one of them does not need, another may.
REHEARSALS = frozenset({"dev", "prod"})

_ENVIRONMENT = re.compile(r"-(dev|staging|prod)\b")


@dataclass
class Statements:
    """Of one rehearsal; each as ``POLICY: STATEMENT``.

    The environment's name is left out: what was seen of one environment counts for all.

    Attributes:
        declared: what Terraform made.
        decisive: those without which a call would have been refused that was allowed, or the other way round.
    """

    declared: set[str] = field(default_factory=set)
    decisive: set[str] = field(default_factory=set)

    def take_declared(self, rehearsal: Rehearsal) -> None:
        """Read the states of account and environment as they are now."""
        for module in (rehearsal.deployment.account, rehearsal.deployment.environment):
            for resource in json.loads(module.state())["resources"]:
                for instance in resource["instances"] if resource["mode"] == "managed" else []:
                    self.declared.update(_statements_in(resource["type"], instance["attributes"]))

    def take_decisive(self, rehearsal: Rehearsal) -> None:
        """Read what the judge has told the journal so far."""
        for event in rehearsal.journal("permission.decisive"):
            policy = f"{event['role']}: {TRUST}" if event["policy"] == TRUST else event["policy"]
            self.decisive.add(_general(f"{policy}: {event['statement']}"))

    def leave(self, folder: Path, rehearsal: str) -> None:
        """Let whoever looks back find this."""
        folder.mkdir(exist_ok=True)
        half = folder / f"{rehearsal}.half"
        half.write_text(json.dumps({name: sorted(found) for name, found in asdict(self).items()}))
        half.rename(folder / f"{rehearsal}.json")


def needless(folder: Path) -> set[str]:
    """The statements that nothing hung on in any rehearsal, and that nobody justifies.

    Rehearsals run beside each other: the one that ends last finds what all have left, any other finds nothing wrong.
    """
    left = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    if left.keys() != REHEARSALS:
        return set()
    declared, decisive = ({name for one in left.values() for name in one[kind]} for kind in ("declared", "decisive"))
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
