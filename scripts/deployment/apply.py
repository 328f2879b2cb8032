"""Apply an environment: exactly the saved plan, or nothing; `make apply`, `make roll-back`, `make applied-commit`.

A saved plan is at PLAN, with the SHA-256 PLAN_SHA256, or in build/plans/ENVIRONMENT. Before it is applied, the
environment is planned again, and a difference is refused, unless ACCEPT names it and REASON says why: then the new plan
is applied. Without a saved plan, this plans, and asks. In the pipeline, where CI is set, it asks nothing and needs one.

Exit codes: 0 applied, 1 failed, 3 refused, with nothing changed.
"""

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from scripts.deployment import plan, saved_plan, smoke, store
from scripts.deployment.report import section
from scripts.environment import (
    CommandError,
    RefusedError,
    git,
    hand_over,
    in_foreground,
    init,
    outputs,
    required,
    run_command,
    summarize,
)

_AGAIN = "Plan again (in the pipeline: run the release again), and have that approved."


def apply_saved(name: str, settings: Mapping[str, str]) -> None:
    """Apply the saved plan of an environment.

    Raises:
        RefusedError: it is not what would be planned now; nothing was changed.
        CommandError: something is missing, or Terraform failed.
    """
    place = settings.get("PLAN", "")
    digest = settings.get("PLAN_SHA256", "")
    if place and not digest:
        raise CommandError("Set PLAN_SHA256: the digest that `make plan` printed for this plan.")
    archive = store.load(place, name, required(settings, "AWS_REGION", "the environment's region"))
    try:
        content, planned = saved_plan.unpack(archive, digest)
    except ValueError as error:
        raise RefusedError(f"The plan of {name} cannot be used: {error}. Nothing was changed. {_AGAIN}") from error
    # The pipeline says what it applies; a person applies what the plan was made of.
    given = {} if place else {"IMAGE": planned.image, "COMMIT": planned.commit}
    target, now = plan.prepare(name, {**settings, **given})
    wrong = saved_plan.outdated(planned, now)
    if wrong:
        raise RefusedError("\n".join([f"The plan of {name} does not fit. Nothing was changed.", *wrong, _AGAIN]))
    plan.update_planner(target)
    with tempfile.TemporaryDirectory() as folder:
        file, again = (Path(folder) / saved for saved in (saved_plan.PLAN_FILE, "again.tfplan"))
        file.write_bytes(content)
        shown = plan.show(file)
        ranges = json.dumps(shown["variables"]["client_cidr_blocks"]["value"])
        made = target.plan(again, f"-var=client_cidr_blocks={ranges}")
        accepted = compare(name, shown, made.shown, settings)
        _finish(target, again if accepted else file, section(made, name) + accepted, settings)
    if not place:
        store.local(name).unlink()


def apply_now(name: str, settings: Mapping[str, str]) -> None:
    """Plan, ask, and apply."""
    target, _ = plan.prepare(name, settings)
    plan.update_planner(target)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / saved_plan.PLAN_FILE
        made = target.plan(file, *plan.ranges_option(target, settings))
        _finish(target, file, section(made, name), settings)


def roll_back(name: str, settings: Mapping[str, str]) -> None:
    """Apply an earlier image with the configuration that was applied last, and check that it serves.

    Raises:
        RefusedError: the checkout is another configuration; nothing was changed.
        CommandError: something is missing, Terraform failed, or the earlier image does not serve.
    """
    init(name, settings)
    applied = outputs().get("commit") or ""
    head = git("rev-parse", "HEAD").stdout.strip()
    if applied != head:
        raise RefusedError(
            f"{name} has the configuration of commit {applied or '(not recorded)'}, and this is {head}. Nothing was "
            f"changed. A rollback changes only the image: git checkout {applied}, make fetch-function, and try again."
        )
    apply_now(name, {**settings, "COMMIT": applied})
    try:
        smoke.check(settings)
    except CommandError as error:
        raise CommandError(f"{name} was rolled back to {settings['IMAGE']}, and it does not serve. {error}") from error


def applied_commit(name: str, settings: Mapping[str, str]) -> None:
    """Print the commit that was applied last; nothing where none was recorded."""
    init(name, settings)
    commit = outputs().get("commit") or ""
    print(commit or f"No commit was recorded for {name}.", file=sys.stdout if commit else sys.stderr)
    hand_over(settings, commit=commit)


def compare(name: str, planned: Mapping[str, Any], now: Mapping[str, Any], settings: Mapping[str, str]) -> str:
    """Refuse what differs, unless it is accepted; return what was accepted, and why.

    Raises:
        RefusedError: a difference is not accepted.
    """
    found = saved_plan.differences(planned, now)
    wrong = saved_plan.unacceptable(found, settings.get("ACCEPT", ""), settings.get("REASON", ""))
    lines = [f"- {difference} {detail}" for difference, detail in found.items()]
    if wrong:
        emergency = f"In an emergency, accept exactly this: ACCEPT='{' '.join(found)}' REASON='...'"
        heading = f"An apply of {name} would not do what was approved. Nothing was changed."
        raise RefusedError("\n".join([heading, *lines, *wrong, _AGAIN, emergency]))
    if not found:
        return ""
    reason = f"Reason: {settings['REASON']}"
    return "\n".join(["\n```text\nAccepted, although it was not in the plan:", *lines, reason, "```\n"])


def _finish(target: plan.Target, file: Path, text: str, settings: Mapping[str, str]) -> None:
    """Show the plan, ask where a person is, and apply it."""
    print(text, flush=True)
    if not settings.get("CI"):
        try:
            answer = input(f"Apply this to {target.name}? Only yes is accepted: ")
        except EOFError:
            answer = ""
        if answer != "yes":
            raise RefusedError("Not applied. Nothing was changed.")
    with suppress(CommandError):  # the service was deleted, so there is no image to go back to
        if target.known:
            hand_over(settings, previous_image=plan.running_image(target.region, target.known))
    in_foreground("apply", "-input=false", "-no-color", "-lock-timeout=5m", str(file))
    summarize(settings, f"Applied.\n\n{text}")
    print(f"Applied to {target.name}.")


def apply_one(name: str, settings: Mapping[str, str]) -> None:
    """Apply the saved plan if there is one, else plan and ask."""
    saved = settings.get("PLAN") or store.local(name).exists()
    if settings.get("CI") and not saved:
        raise CommandError("Set PLAN: in the pipeline, only a saved plan is applied.")
    (apply_saved if saved else apply_now)(name, settings)


if __name__ == "__main__":
    command = {"apply": apply_one, "roll-back": roll_back, "applied-commit": applied_commit}[sys.argv[1]]
    meaning = f"such as make {sys.argv[1]} ENVIRONMENT=dev"
    sys.exit(run_command(os.environ, lambda: command(required(os.environ, "ENVIRONMENT", meaning), os.environ)))
