"""What a saved plan is, and how it differs from one that is made later. Pure, but for the clock that callers pass.

The archive holds Terraform's plan and what Terraform's plan does not say. Terraform's own check of a saved plan covers
the state only; here the resources, the database and the artifacts are compared too.
"""

import difflib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

PLAN_FILE = "plan.tfplan"
METADATA_FILE = "plan.json"
VALID_SECONDS = 24 * 3600
_UNKNOWN = "-- known only once the planning function has been applied"
# They tell what the SQL tells, which is compared as a whole.
_TOLD_BY_SQL = {"access_plan", "access_report", "access_summary"}
_TIME_OF_PLAN = {"final_snapshot_identifier"}


@dataclass(frozen=True)
class Metadata:
    """What a plan was made of.

    Attributes:
        environment: its name.
        commit: of the configuration.
        image: of the service.
        function_sha256: of the zip of the functions.
        lineage: of the state that it was made for; empty before the first apply.
        serial: of that state.
        planned_at: seconds since 1970.
    """

    environment: str
    commit: str
    image: str
    function_sha256: str
    lineage: str
    serial: int
    planned_at: float


@dataclass(frozen=True)
class Difference:
    """One thing that a later plan would do differently.

    Attributes:
        name: a resource's address, ``output.NAME`` or ``sql``; by it, a person can accept the difference.
        detail: attributes by name, without values, which can be sensitive; or the lines of SQL.
    """

    name: str
    detail: str


def pack(plan: bytes, metadata: Metadata) -> bytes:
    """Return an archive of a plan."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(PLAN_FILE, plan)
        file.writestr(METADATA_FILE, json.dumps(asdict(metadata)))
    return archive.getvalue()


def unpack(archive: bytes, digest: str) -> tuple[bytes, Metadata]:
    """Return what an archive holds.

    Args:
        archive: its bytes.
        digest: its SHA-256, as the job that planned handed it over; empty where it was never out of this machine.

    Raises:
        ValueError: it is not what was planned.
    """
    found = sha256(archive).hexdigest()
    if digest and found != digest:
        raise ValueError(f"its SHA-256 is {found}, and {digest} was approved")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            return file.read(PLAN_FILE), Metadata(**json.loads(file.read(METADATA_FILE)))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"it is not an archive of `make plan`: {error}") from error


def outdated(planned: Metadata, now: Metadata) -> list[str]:
    """Return why a plan does not fit what is to be applied now; empty when it does.

    Args:
        planned: of the saved plan.
        now: what is found at the time of the apply, with ``planned_at`` as the time itself.
    """
    wrong = []
    for what in ("environment", "commit", "image"):
        was, now_is = getattr(planned, what), getattr(now, what)
        if was != now_is:
            wrong.append(f"It was made for the {what} {was or '(none)'}, and this is {now_is or '(none)'}.")
    if planned.function_sha256 != now.function_sha256:
        wrong.append(
            f"It was made with the functions' zip {planned.function_sha256}, and build/db_bootstrap.zip is "
            f"{now.function_sha256 or 'missing'}."
        )
    if (planned.lineage, planned.serial) != (now.lineage, now.serial):
        wrong.append(f"Another apply came in between: the state is number {now.serial}, and was {planned.serial}.")
    if not 0 <= now.planned_at - planned.planned_at <= VALID_SECONDS:
        wrong.append("It was made more than a day ago.")
    return wrong


def sql_of(shown: Mapping[str, Any]) -> str:
    """Return what a plan, as Terraform's JSON, says of the database."""
    known = _planned_output(shown, "access_plan")
    return known if isinstance(known, str) else _UNKNOWN


def sentences_of(shown: Mapping[str, Any]) -> list[str]:
    """Return the sentences about who gains and loses access; empty where the state is older than they are."""
    known = _planned_output(shown, "access_summary")
    return [str(sentence) for sentence in known] if isinstance(known, list) else []


def changes_of(shown: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what a plan changes, by address and attribute: actions, and each value before and after.

    Values that only the apply determines are equal to each other.
    """
    entries = [(entry["address"], entry["change"]) for entry in shown.get("resource_changes", [])]
    entries += [
        (f"output.{name}", change)
        for name, change in shown.get("output_changes", {}).items()
        if name not in _TOLD_BY_SQL
    ]
    return {address: _changed(change) for address, change in entries if change["actions"] != ["no-op"]}


def differences(planned: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Return how a plan of now, as Terraform's JSON, differs from the saved one; empty when it does not."""
    found = []
    before, after = changes_of(planned), changes_of(now)
    for address in sorted(before.keys() | after.keys()):
        was, now_is = before.get(address), after.get(address)
        if was is None:
            found.append(Difference(address, f"would be changed now too: {_names(now_is or {})}"))
        elif now_is is None:
            found.append(Difference(address, f"would not be changed any more: {_names(was)}"))
        elif was != now_is:
            names = {name for name in was.keys() | now_is.keys() if was.get(name) != now_is.get(name)}
            found.append(Difference(address, f"would be changed differently: {_names(names)}"))
    was_sql, now_sql = sql_of(planned), sql_of(now)
    if was_sql != now_sql:
        lines = difflib.unified_diff(was_sql.splitlines(), now_sql.splitlines(), "approved", "now", lineterm="", n=0)
        found.append(Difference("sql", "would be other statements:\n" + "\n".join(f"    {line}" for line in lines)))
    return found


def accept(found: Iterable[Difference], accepted: str, reason: str) -> list[str]:
    """Return why differences cannot be accepted; empty when they can.

    Args:
        found: the differences.
        accepted: their names, separated by spaces or commas.
        reason: why a person accepts them.
    """
    names = set(re.split(r"[\s,]+", accepted.strip())) - {""}
    there = {difference.name for difference in found}
    wrong = [f"{name} differs too, and is not accepted." for name in sorted(there - names)]
    wrong += [f"{name} is accepted, and does not differ." for name in sorted(names - there)]
    if names and not reason.strip():
        wrong.append("ACCEPT needs a REASON.")
    return wrong


def _planned_output(shown: Mapping[str, Any], name: str) -> Any:
    return shown.get("planned_values", {}).get("outputs", {}).get(name, {}).get("value")


def _changed(change: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"actions": change["actions"]}
    before, after, unknown = (
        value if isinstance(value, dict) else {"value": value}
        for value in (change.get("before"), change.get("after"), change.get("after_unknown"))
    )
    if change["actions"] == ["delete"]:
        return made
    for name in (before.keys() | after.keys() | unknown.keys()) - _TIME_OF_PLAN:
        if _is_unknown(unknown.get(name)):
            made[name] = (unknown[name], after.get(name))
        elif before.get(name) != after.get(name):
            made[name] = (before.get(name), after.get(name))
    return made


def _is_unknown(mark: Any) -> bool:
    """Check whether a part of a value is marked as known only after the apply."""
    parts = mark.values() if isinstance(mark, dict) else mark if isinstance(mark, list) else ()
    return mark is True or any(_is_unknown(part) for part in parts)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names) - {"actions"})) or "the action"
