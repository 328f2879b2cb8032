"""Say what an apply would change, in AWS and in the database, as one Markdown report; `make plan` and the drift watch.

Reads only: no lock is taken, and with READ_ONLY=1 nothing is refreshed either, which the role of pull requests may not.
The SQL comes from the function that can only plan, which is part of every plan. The image is the one that runs.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from scripts.environment import ROOT, CommandError, outputs, required, running, terraform

REPORT = ROOT.parent.parent / "build" / "plan.md"
_PLAN_FILE = "make.tfplan"
_CHANGES_EXIT_CODE = 2
# GitHub takes 65,536 characters in one comment; headings and fences need some of them.
_SHOWN_CHARACTERS = 60_000


@dataclass(frozen=True)
class Plan:
    """What an apply of one environment would do.

    Attributes:
        environment: its name.
        changes: whether there are any.
        text: Terraform's own words.
        sql: what would run in the database, with reasons; what is known of it when the function cannot be asked.
    """

    environment: str
    changes: bool
    text: str
    sql: str


def report(plans: Mapping[str, Plan | None]) -> str:
    """Return one section for each environment, all of them within GitHub's limit."""
    blocks = max(1, 2 * sum(plan is not None for plan in plans.values()))
    return "\n".join(section(plan, name, _SHOWN_CHARACTERS // blocks) for name, plan in plans.items())


def section(plan: Plan | None, environment: str, limit: int) -> str:
    """Return the section of one environment; None is an environment that was never applied."""
    if plan is None:
        return f"## {environment}\n\nNot applied yet.\n"
    verdict = "An apply would change something." if plan.changes else "Nothing to change."
    return (
        f"## {environment}\n\n{verdict}\n\n"
        f"<details><summary>Terraform</summary>\n\n{_fenced(plan.text, 'text', limit)}\n</details>\n\n"
        f"<details><summary>SQL in the database</summary>\n\n{_fenced(plan.sql, 'sql', limit)}\n</details>\n"
    )


def _fenced(text: str, language: str, limit: int) -> str:
    """Return a block of code that its own content cannot end, cut to a number of characters."""
    if len(text) > limit:
        text = text[:limit] + "\n... cut; the rest is in the log of the job"
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.strip()}\n{fence}\n"


def sql_of(plan: Mapping[str, Any]) -> str:
    """What a plan, as Terraform's JSON, says of the database."""
    values = plan.get("planned_values", {}).get("outputs", {})
    known = values.get("access_plan", {}).get("value")
    return known if isinstance(known, str) else "-- known only once the planning function has been applied"


def planned(environment: str, settings: Mapping[str, str]) -> Plan | None:
    """The plan of one environment; none when it was never applied.

    Raises:
        CommandError: Terraform failed, or a setting is missing.
    """
    bucket = required(
        settings, "STATE_BUCKET", "the bucket of the states, terraform/account's output state_bucket_name"
    )
    region = required(settings, "AWS_REGION", "the environment's region")
    backend = [f"-backend-config={environment}.s3.tfbackend"]
    backend += [f"-backend-config=bucket={bucket}", f"-backend-config=region={region}"]
    terraform("init", "-input=false", "-reconfigure", "-lockfile=readonly", *backend)
    known = outputs()
    if not known:
        return None
    service = running(boto3.client("ecs", region_name=region), known["cluster_name"], known["service_name"])
    # Like scripts/apply: the ranges of the last apply, unless the variable file sets others.
    options = [f"-var=client_cidr_blocks={json.dumps(known.get('client_cidr_blocks', []))}"]
    options += [
        f"-var-file={environment}.tfvars",
        f"-var=image={service.image}",
        f"-var=region={region}",
        "-lock=false",
    ]
    if settings.get("READ_ONLY"):
        options.append("-refresh=false")
    wanted = ["-input=false", "-no-color", "-detailed-exitcode", f"-out={_PLAN_FILE}"]
    done = terraform("plan", *wanted, *options, allowed=(0, _CHANGES_EXIT_CODE))
    try:
        text = terraform("show", "-no-color", _PLAN_FILE).stdout
        sql = sql_of(json.loads(terraform("show", "-json", _PLAN_FILE).stdout))
    finally:
        (ROOT / _PLAN_FILE).unlink(missing_ok=True)
    return Plan(environment, done.returncode == _CHANGES_EXIT_CODE, text, sql)


def main(settings: Mapping[str, str]) -> int:
    """Plan each environment of ENVIRONMENT, separated by spaces; print the report and write it to build/plan.md."""
    try:
        names = required(settings, "ENVIRONMENT", "the environments to plan, such as make plan ENVIRONMENT=dev").split()
        plans = {name: planned(name, settings) for name in names}
    except CommandError as error:
        print(error, file=sys.stderr)
        return 1
    text = report(plans)
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(text)
    print(text)
    if output := settings.get("GITHUB_OUTPUT"):
        with Path(output).open("a") as file:
            file.write(f"changes={json.dumps(any(plan and plan.changes for plan in plans.values()))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
