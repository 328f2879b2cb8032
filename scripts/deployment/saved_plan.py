"""Saved plans, and their differences from a later plan. Pure; the callers pass the time.

An archive contains Terraform's plan and the inputs that the plan does not name. Terraform itself refuses a plan whose
state has changed; here the resources, the database and the artifacts are compared too.
"""

import difflib
import io
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

PLAN_FILE = "plan.tfplan"
_METADATA_FILE = "plan.json"
_VALID_SECONDS = 24 * 3600
# They show the same as the SQL, which is compared as a whole.
_OUTPUTS_OF_ACCESS = {"access_plan", "access_report", "access_summary"}
_TIME_OF_PLAN = "final_snapshot_identifier"
IDLE = (["no-op"], ["read"])


@dataclass(frozen=True)
class Metadata:
    """The inputs of a plan.

    Attributes:
        commit: of the configuration.
        image: of the service.
        function: SHA-256 of the functions' zip.
        lineage: of the state that it was made for; empty before the first apply.
        serial: of that state.
        planned_at: seconds since 1970.
    """

    environment: str
    commit: str
    image: str
    function: str
    lineage: str
    serial: int
    planned_at: float


def pack(plan: bytes, metadata: Metadata) -> bytes:
    """Return an archive of a plan."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(PLAN_FILE, plan)
        file.writestr(_METADATA_FILE, json.dumps(asdict(metadata)))
    return archive.getvalue()


def unpack(archive: bytes, digest: str) -> tuple[bytes, Metadata]:
    """Return the content of an archive.

    Args:
        archive: its bytes.
        digest: its SHA-256, from the job that planned; empty for an archive that never left this machine.

    Raises:
        ValueError: it is not what was planned.
    """
    found = sha256(archive).hexdigest()
    if digest not in ("", found):
        raise ValueError(f"its SHA-256 is {found}, and {digest} was approved")
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            return file.read(PLAN_FILE), Metadata(**json.loads(file.read(_METADATA_FILE)))
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"it is not an archive of `make plan`: {error}") from error


def outdated(planned: Metadata, now: Metadata) -> list[str]:
    """Return why a plan does not fit what is found at the time of the apply; empty if it does."""
    made_of = ("environment", "commit", "image", "function")
    pairs = [(name, getattr(planned, name), getattr(now, name)) for name in made_of]
    wrong = [f"It was made for the {name} {was}, and this is {is_now}." for name, was, is_now in pairs if was != is_now]
    if (planned.lineage, planned.serial) != (now.lineage, now.serial):
        wrong.append(f"Another apply came in between: the state has number {now.serial}, and had {planned.serial}.")
    if not 0 <= now.planned_at - planned.planned_at <= _VALID_SECONDS:
        wrong.append("It was made more than a day ago.")
    return wrong


def sql_of(shown: Mapping[str, Any]) -> str:
    """Return the SQL that a plan, as Terraform's JSON, shows for the database."""
    if _answer(shown).get("in_sync"):  # the output keeps the statements of the last apply
        return "-- nothing to do"
    known = _planned_output(shown, "access_plan")
    return known if isinstance(known, str) else "-- known only once the planning function has been applied"


def sentences_of(shown: Mapping[str, Any]) -> list[str]:
    """Return the sentences about gained and lost access; empty if the state is older than they are."""
    answer = _answer(shown)
    # With nothing to do, the output keeps the sentences of the last apply.
    known = answer.get("summary") if answer.get("in_sync") else _planned_output(shown, "access_summary")
    return [str(sentence) for sentence in known or []]


def _answer(shown: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the planning function's answer to this plan; empty if it is asked only during the apply."""
    modules = [shown.get("prior_state", {}).get("values", {}).get("root_module", {})]
    for module in modules:
        modules += module.get("child_modules", [])
        for resource in module.get("resources", []):
            if (resource["mode"], resource["type"]) == ("data", "aws_lambda_invocation"):
                return dict(json.loads(resource["values"]["result"]))
    return {}


def differences(planned: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, str]:
    """Return how a plan made now, as Terraform's JSON, differs from the saved one.

    Returns:
        By a resource's address, ``output.NAME`` or ``sql``: the attributes without their values, which can be
        sensitive, or the lines of SQL.
    """
    found = {}
    before, after = _changes(planned), _changes(now)
    for address in sorted(before.keys() | after.keys()):
        was, is_now = before.get(address, {}), after.get(address, {})
        names = {name for name in was.keys() | is_now.keys() if was.get(name) != is_now.get(name)}
        if names:
            how = "differently" if was and is_now else "too" if is_now else "no more"
            found[address] = f"would change {how}: {', '.join(sorted(names - {'actions'}) or ['actions'])}"
    was_sql, now_sql = sql_of(planned).splitlines(), sql_of(now).splitlines()
    lines = difflib.unified_diff(was_sql, now_sql, "approved", "now", n=0, lineterm="")
    if statements := "".join(f"\n    {line}" for line in lines):
        found["sql"] = f"would be other statements:{statements}"
    return found


def unacceptable(found: Iterable[str], accepted: str, reason: str) -> list[str]:
    """Return why differences, by name, are not accepted; empty if they are. ``accepted`` is a space-separated list."""
    found, names = set(found), set(accepted.split())
    if not names:
        return ["An apply accepts no difference."] if found else []
    wrong = [f"{name} differs, and is not accepted." for name in sorted(found - names)]
    wrong += [f"{name} is accepted, and does not differ." for name in sorted(names - found)]
    return wrong + ([] if reason.strip() else ["ACCEPT needs a REASON."])


def _planned_output(shown: Mapping[str, Any], name: str) -> Any:
    return shown.get("planned_values", {}).get("outputs", {}).get(name, {}).get("value")


def _changes(shown: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the changes of a plan by address and attribute."""
    entries = {entry["address"]: entry["change"] for entry in shown.get("resource_changes", [])}
    for name, change in shown.get("output_changes", {}).items():
        if name not in _OUTPUTS_OF_ACCESS:
            entries[f"output.{name}"] = change
    return {address: _changed(change) for address, change in entries.items() if change["actions"] not in IDLE}


def _changed(change: Mapping[str, Any]) -> dict[str, Any]:
    """Return actions and changed attributes. A value that only the apply determines is equal to any other."""
    made: dict[str, Any] = {"actions": change["actions"]}
    if change["actions"] == ["delete"]:
        return made
    before, after, unknown = (
        value if isinstance(value, dict) else {"value": value}
        for value in (change.get(part) for part in ("before", "after", "after_unknown"))
    )
    for name in (before.keys() | after.keys() | unknown.keys()) - {_TIME_OF_PLAN}:
        if _is_unknown(unknown.get(name)):
            made[name] = (unknown[name], after.get(name))
        elif before.get(name) != after.get(name):
            made[name] = (before.get(name), after.get(name))
    return made


def _is_unknown(mark: Any) -> bool:
    """Check whether a part of a value is marked as known only after the apply."""
    parts = mark.values() if isinstance(mark, dict) else mark if isinstance(mark, list) else ()
    return mark is True or any(_is_unknown(part) for part in parts)
