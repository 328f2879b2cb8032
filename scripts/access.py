"""Print who has access in an environment's database, and why; `make access ENVIRONMENT=dev ON=beers.beers`.

The planning function answers. The caller needs only ``lambda:InvokeFunction`` on it, and no route to the database.
"""

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

import boto3

from scripts.environment import PROJECT, CommandError, required, run_command

_ACTIONS = {(): "audit", ("on",): "who", ("of",): "what", ("of", "on"): "why"}


def answer(settings: Mapping[str, str], client: Any = None) -> list[str]:
    """Return the answer's lines.

    Raises:
        CommandError: a setting is missing, or there is no answer; with the reason.
    """
    name = required(settings, "ENVIRONMENT", "the environment, such as make access ENVIRONMENT=dev ON=beers.beers")
    given = {key: settings[key.upper()] for key in ("of", "on", "privilege") if settings.get(key.upper())}
    event = {"action": _ACTIONS[tuple(key for key in given if key != "privilege")], **given}
    function = f"{PROJECT}-{name}-access-plan"
    response = (client or boto3.client("lambda")).invoke(FunctionName=function, Payload=json.dumps(event))
    payload = json.load(response["Payload"])
    if "FunctionError" in response:
        raise CommandError(f"{function} failed: {payload.get('errorMessage')}. Read its log, /aws/lambda/{function}.")
    if payload["refusals"]:
        raise CommandError("\n".join(payload["refusals"]))
    lines: list[str] = payload["text"]
    return lines


if __name__ == "__main__":
    sys.exit(run_command(os.environ, lambda: print(*answer(os.environ), sep="\n")))
