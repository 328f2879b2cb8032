"""A plan as Markdown, for a person who approves it: what matters most comes first, and is cut last. Pure."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.saved_plan import sentences_of, sql_of

# GitHub takes 65,536 characters in one comment, and 1 MiB in the summary of a step.
COMMENT_CHARACTERS = 60_000
SUMMARY_CHARACTERS = 250_000  # of at most four bytes
# What a resource costs depends on these attributes; without one, it costs what it is.
_COSTS: dict[str, tuple[str, ...]] = {
    "aws_appautoscaling_target": ("min_capacity", "max_capacity"),
    "aws_cloudwatch_log_group": ("retention_in_days",),
    "aws_db_instance": (
        "instance_class",
        "allocated_storage",
        "iops",
        "storage_type",
        "multi_az",
        "backup_retention_period",
    ),
    "aws_ecs_cluster": ("setting",),
    "aws_ecs_service": ("desired_count", "capacity_provider_strategy"),
    "aws_ecs_task_definition": ("cpu", "memory"),
    "aws_eip": (),
    "aws_kms_key": (),
    "aws_lambda_function": ("memory_size",),
    "aws_lb": (),
    "aws_nat_gateway": (),
    "aws_vpc_endpoint": ("vpc_endpoint_type", "subnet_ids"),
    "aws_wafv2_web_acl": (),
}


@dataclass(frozen=True)
class Plan:
    """What an apply of one environment would do.

    Attributes:
        environment: its name.
        changes: whether there are any.
        text: Terraform's own words.
        shown: the plan as Terraform's JSON.
    """

    environment: str
    changes: bool
    text: str
    shown: Mapping[str, Any] = field(default_factory=dict)


def report(plans: Mapping[str, Plan | None], limit: int = COMMENT_CHARACTERS) -> str:
    """Return one section for each environment, all of them within a number of characters."""
    share = limit // max(1, len(plans))
    return "\n".join(section(plan, name, share) for name, plan in plans.items())


def section(plan: Plan | None, environment: str, limit: int) -> str:
    """Return the section of one environment; None is an environment that was never applied."""
    if plan is None:
        return f"## {environment}\n\nNot applied yet.\n"
    verdict = "An apply would change something." if plan.changes else "Nothing to change."
    text = _cut(f"## {environment}\n\n{verdict}\n\n" + "\n".join(_head(plan.shown)), limit)
    for title, content, language in (
        ("SQL in the database", sql_of(plan.shown), "sql"),
        ("Terraform", plan.text, "text"),
    ):
        text += _block(title, content, language, limit - len(text))
    return text


def _head(shown: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that a person reads first."""
    yield from (f"- {_plain(sentence)}" for sentence in sentences_of(shown))
    changes = {entry["address"]: entry for entry in shown.get("resource_changes", [])}
    actions = {address: tuple(entry["change"]["actions"]) for address, entry in changes.items()}
    for title, chosen in (
        ("Replaced", {("delete", "create"), ("create", "delete")}),
        ("Destroyed", {("delete",)}),
    ):
        found = [address for address, action in actions.items() if action in chosen]
        if found:
            yield f"\n**{title}:**\n"
            yield from (f"- `{address}`" for address in found)
    costs = [row for entry in changes.values() for row in _costs(entry)]
    if costs:
        yield "\n| what costs | | before | after |\n| --- | --- | --- | --- |"
        yield from costs
    counts = Counter("/".join(action) for action in actions.values() if action not in {("no-op",), ("read",)})
    if counts:
        yield "\nResources: " + ", ".join(f"{count} {action}" for action, count in sorted(counts.items())) + ".\n"


def _costs(entry: Mapping[str, Any]) -> Iterator[str]:
    change = entry["change"]
    attributes = _COSTS.get(entry["type"])
    if attributes is None or change["actions"] in (["no-op"], ["read"]):
        return
    before, after = change.get("before") or {}, change.get("after") or {}
    if not before or not after:
        yield f"| `{entry['address']}` | | {'yes' if before else 'none'} | {'yes' if after else 'none'} |"
    for name in attributes:
        was, now_is = before.get(name), after.get(name)
        if was != now_is and not (before and (change.get("after_unknown") or {}).get(name) is True):
            yield f"| `{entry['address']}` | {name} | {_plain(str(was or ''))} | {_plain(str(now_is or ''))} |"


def _plain(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return re.sub(r"([!-'*+<-@\[-^`{-~])", r"\\\1", " ".join(text.split()))


def _block(title: str, content: str, language: str, limit: int) -> str:
    """Return a folded block of code that its content cannot end, within a number of characters."""
    longest = max((len(run) for run in re.findall(r"`+", content)), default=0)
    fence = "`" * max(3, longest + 1)
    before = f"<details><summary>{title}</summary>\n\n{fence}{language}\n"
    after = f"\n{fence}\n\n</details>\n\n"
    return f"{before}{_cut(content.strip(), limit - len(before) - len(after))}{after}"


def _cut(text: str, limit: int) -> str:
    note = "\n... cut; the rest is in the log of the job"
    return text if len(text) <= limit else text[: max(0, limit - len(note))] + note
