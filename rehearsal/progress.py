"""Read Terraform's machine-readable log: how far it is, what it waits for, what went wrong.

Pure: lines in, text out. The lines are those of ``terraform apply -json``
(https://developer.hashicorp.com/terraform/internals/machine-readable-ui).
"""

import json
from collections.abc import Mapping
from typing import Any

# The provider's fixed waits; measured with hashicorp/aws 5.100.0. No setting
# shortens these, so the output says what to expect.
PROVIDER_WAITS_SECONDS = {
    "create": {"aws_db_instance": 80, "aws_lb": 60},
    "delete": {"aws_db_instance": 60},
}


class Progress:
    """The state of one run of Terraform, as its log tells it.

    Attributes:
        planned: how many changes it will make.
        finished: how many of them are made.
        errors: what went wrong, each as a paragraph for a person.
        outputs: the root module's outputs by name; empty before an apply has succeeded.
    """

    def __init__(self) -> None:
        self.planned = 0
        self.finished = 0
        self.errors: list[str] = []
        self.outputs: dict[str, Any] = {}
        self._under_way: dict[str, tuple[str, int]] = {}

    def read(self, line: str) -> None:
        """Take one line of the log; lines that are not JSON, such as a crash's, are skipped."""
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            return
        hook = event.get("hook") or {}
        address = (hook.get("resource") or {}).get("addr", "")
        if hook.get("action") == "read":
            return  # data sources are not changes, and quick
        match event.get("type"):
            case "change_summary" if event["changes"].get("operation") == "plan":
                changes = event["changes"]
                self.planned = changes["add"] + changes["change"] + changes["remove"]
            case "apply_start":
                self._under_way[address] = (hook.get("action", ""), 0)
            case "apply_progress":
                self._under_way[address] = (hook.get("action", ""), int(hook.get("elapsed_seconds", 0)))
            case "apply_complete":
                self._under_way.pop(address, None)
                self.finished += 1
            case "apply_errored":
                self._under_way.pop(address, None)
            case "outputs":  # those of a plan have no value
                self.outputs = {name: one["value"] for name, one in event["outputs"].items() if "value" in one}
            case "diagnostic" if event["diagnostic"]["severity"] == "error":
                self.errors.append(_paragraph(event["diagnostic"]))

    @property
    def summary(self) -> str:
        """Return how far it is and what has been under way for the longest, in one line."""
        counted = f"{self.finished} of {self.planned} changes" if self.planned else "planning"
        if not self._under_way:
            return counted
        address, (action, seconds) = max(self._under_way.items(), key=lambda item: item[1][1])
        kind = address.split(".")[-2] if "." in address else address
        usual = PROVIDER_WAITS_SECONDS.get(action, {}).get(kind)
        waiting = f"{counted}; {action} {address}"
        if usual:
            return f"{waiting}, {seconds} s of the {usual} s that the AWS provider always takes for it"
        return f"{waiting}, {seconds} s" if seconds else waiting


def _paragraph(diagnostic: dict[str, Any]) -> str:
    where = f" ({diagnostic['address']})" if diagnostic.get("address") else ""
    detail = f"\n{diagnostic['detail']}" if diagnostic.get("detail") else ""
    return f"{diagnostic['summary']}{where}{detail}"


def statements_run(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return lines: how many statements an apply ran in the database, and what they mean; from the second on, the SQL.

    Args:
        before: the environment's outputs before the apply; empty before the first.
        after: the outputs after it.
    """
    # The plan begins with a digest, which changes with each invocation of the function.
    changes = after["access_report"]["changes"] if after["access_plan"] != before.get("access_plan") else []
    if not changes:
        return ["No statement ran in the database: access is as declared."]
    revoking = sum(change["destructive"] for change in changes)
    how = f"{revoking} of them revoking access" if revoking else "none revokes access"
    details = [f"{change['sql']};" for change in changes] if before else after["access_summary"]
    return [f"Statements that ran in the database: {len(changes)}, {how}", *(f"- {detail}" for detail in details)]
