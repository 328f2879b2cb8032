"""A plan as Markdown, for a person who approves it: the most important comes first, and is cut last. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.deployment.saved_plan import IDLE, sentences_of, sql_of

# GitHub takes 65,536 characters in one comment, and 1 MiB in the summary of a step.
COMMENT_CHARACTERS = 60_000
SUMMARY_CHARACTERS = 250_000  # of at most four bytes
# The attributes that a resource's price depends on; a resource without one has a separate price.
_PRICED = {
    "aws_appautoscaling_target": "min_capacity max_capacity",
    "aws_cloudwatch_log_group": "retention_in_days",
    "aws_db_instance": "instance_class allocated_storage iops storage_type multi_az backup_retention_period",
    "aws_ecs_service": "desired_count",
    "aws_ecs_task_definition": "cpu memory",
    "aws_eip": "",
    "aws_kms_key": "",
    "aws_lambda_function": "memory_size",
    "aws_lb": "",
    "aws_nat_gateway": "",
    "aws_vpc_endpoint": "vpc_endpoint_type subnet_ids",
    "aws_wafv2_web_acl": "",
}
_NOTE = "\n... cut; the rest is in the log of the job"


@dataclass(frozen=True)
class Plan:
    """The effects of an apply of one environment.

    Attributes:
        text: Terraform's own words.
        shown: the plan as Terraform's JSON.
    """

    environment: str
    changes: bool
    text: str
    shown: Mapping[str, Any] = field(default_factory=dict)


def report(plans: Mapping[str, Plan | None], limit: int = COMMENT_CHARACTERS) -> str:
    """Return one section for each environment, all of them within a number of characters."""
    return "\n".join(section(plan, name, limit // max(1, len(plans))) for name, plan in plans.items())


def section(plan: Plan | None, environment: str, limit: int = COMMENT_CHARACTERS) -> str:
    """Return the section of one environment; None is an environment that was never applied."""
    if plan is None:
        return f"## {environment}\n\nNot applied yet.\n"
    verdict = "An apply would change something." if plan.changes else "Nothing to change."
    text = _cut(f"## {environment}\n\n{verdict}\n\n" + "\n".join(_head(plan.shown)) + "\n", limit)
    for title, language, content in (
        ("SQL in the database", "sql", sql_of(plan.shown)),
        ("Terraform", "text", plan.text),
    ):
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", content)), default=0))
        begin = f"<details><summary>{title}</summary>\n\n{fence}{language}\n"
        end = f"\n{fence}\n\n</details>\n\n"
        text += f"{begin}{_cut(content.strip(), limit - len(text) - len(begin) - len(end))}{end}"
    return text


def _head(shown: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines to read first: access, replaced and destroyed resources, prices, counts."""
    yield from (f"- {_plain(sentence)}" for sentence in sentences_of(shown))
    entries = [entry for entry in shown.get("resource_changes", []) if entry["change"]["actions"] not in IDLE]
    actions = {entry["address"]: "/".join(entry["change"]["actions"]) for entry in entries}
    for title, chosen in (("Replaced", ("delete/create", "create/delete")), ("Destroyed", ("delete",))):
        found = [f"- `{address}`" for address, action in actions.items() if action in chosen]
        yield from [f"\n{title}:\n", *found] if found else []
    prices = [row for entry in entries for row in _prices(entry)]
    yield from ["\n| what costs | | before | after |\n| --- | --- | --- | --- |", *prices] if prices else []
    counts = Counter(actions.values())
    listed = ", ".join(f"{count} {action}" for action, count in sorted(counts.items()))
    yield f"\nResources: {listed}.\n" if listed else ""


def _prices(entry: Mapping[str, Any]) -> Iterator[str]:
    change, attributes = entry["change"], _PRICED.get(entry["type"])
    if attributes is None:
        return
    before, after = change.get("before"), change.get("after")
    if before is None or after is None:
        yield f"| `{entry['address']}` | | {'none' if before is None else 1} | {'none' if after is None else 1} |"
    before, after = before or {}, after or {}
    for name in attributes.split():
        was, is_now = before.get(name), after.get(name)
        if was != is_now and (change.get("after_unknown") or {}).get(name) is not True:
            yield f"| `{entry['address']}` | {name} | {_plain(str(was or ''))} | {_plain(str(is_now or ''))} |"


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([!#-'*+<-@\[-^`{-~])", r"\\\1", " ".join(text.split()))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: max(0, limit - len(_NOTE))] + _NOTE
