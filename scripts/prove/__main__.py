"""Prove a deployment, write the report, and return 0 if every claim holds; `make prove ENVIRONMENT=dev`."""

import json
import os
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import boto3

from scripts.environment import CHECKOUT, CommandError, RefusedError, git, required, run_command, terraform
from scripts.prove import access, account, questions, service, temporary
from scripts.prove.claim import CLAIMS, FAILURES, Claim, DisprovedError, announcement, as_dict, as_text, run
from scripts.prove.rehearsed import REHEARSAL, variables
from scripts.prove.target import Target

_LAST = "secrets"  # which also searches what the others have left
_AGAIN = [sys.executable, "-m", "scripts.prove"]  # with settings that modules read when they are imported
# These modules register the claims.
_MODULES = (access, account, questions, service)


def chosen(only: str) -> list[Claim]:
    """Return the claims with these keys, separated by spaces; all without any.

    Raises:
        CommandError: there is no such claim.
    """
    keys, known = only.split(), [claim.key for claim in CLAIMS]
    if unknown := sorted(set(keys) - set(known)):
        raise CommandError(f"ONLY names {', '.join(unknown)}; the claims are {', '.join(known)}.")
    selected = [claim for claim in CLAIMS if not keys or claim.key in keys]
    return sorted(selected, key=lambda claim: claim.key == _LAST)


def prove(settings: Mapping[str, str]) -> None:
    """Ask, prove, and report.

    Raises:
        CommandError: a claim does not hold, or something is missing.
    """
    name = required(settings, "ENVIRONMENT", "such as make prove ENVIRONMENT=dev, or rehearsal")
    if name == REHEARSAL:
        os.execve(sys.executable, _AGAIN, {**settings, **variables(CHECKOUT / ".rehearsal")})  # noqa: S606
    if settings.get("IN_PLACE") and settings.get("REMOVE"):
        raise CommandError("REMOVE=1 destroys a temporary environment; IN_PLACE=1 has none. Set one of them.")
    base = settings.get("CONFIGURED_LIKE")
    folder = Path(settings.get("OUTPUT") or CHECKOUT / "build" / "prove").resolve() / (base or name)
    folder.mkdir(parents=True, exist_ok=True)
    if not (base or settings.get("IN_PLACE")):
        os.execve(sys.executable, _AGAIN, {**settings, **temporary.variables(name, folder)})  # noqa: S606
    claims = [] if settings.get("REMOVE") else chosen(settings.get("ONLY", ""))
    about = temporary.ABOUT if claims else temporary.REMOVAL
    print(about.format(base=base) if base else f"{name} is proven in place. What is changed is undone.")
    print(announcement(claims, temporary.MINUTES if base else 0), flush=True)
    if not settings.get("YES") and input("Go on? Only yes is accepted: ") != "yes":
        raise RefusedError("Nothing was proven, and nothing was changed.")
    leftovers: list[str] = []
    began = time.monotonic()
    with temporary.lifetime(base, settings, leftovers) if base else nullcontext():
        if not claims:
            return
        target = Target(name, settings, folder)
        target.wait_until_deployed(target.service())
        versions = json.loads(terraform("version", "-json").stdout)
        header = {
            "environment": f"{name} of account {target.account_id} in {target.region}",
            "endpoint": settings.get("AWS_ENDPOINT_URL", "AWS"),
            "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "image": target.image,
            "commit": target.outputs.get("commit") or "not recorded",
            "checkout": git("describe", "--always", "--dirty", allowed=(0, 128)).stdout.strip(),
            "postgresql": target.instance["EngineVersion"],
            "terraform": versions["terraform_version"],
            "provider": versions["provider_selections"]["registry.terraform.io/hashicorp/aws"],
            "boto3": boto3.__version__,
        }
        results = run(claims, target, lambda line: print(line, flush=True), time.monotonic)
        leftovers += [] if base else _clean_up(target)
    report = as_dict({**header, "seconds": f"{time.monotonic() - began:.0f}"}, results, leftovers)
    (folder / "report.json").write_text(json.dumps(report, indent=2))
    (folder / "report.txt").write_text(as_text(report) + "\n")
    print(f"\n{as_text(report)}\nThe report is {folder / 'report.txt'}, and report.json.")
    if not report["is_proven"]:
        raise CommandError(f"Not everything about {name} is proven.")


def _clean_up(target: Target) -> list[str]:
    """Remove what claims have added; return what is left."""
    try:
        target.remove_beers()
    except (DisprovedError, *FAILURES) as error:
        return [f"beers named {', '.join(target.added)}... ({error})"]
    return []


if __name__ == "__main__":
    sys.exit(run_command(os.environ, lambda: prove(os.environ)))
