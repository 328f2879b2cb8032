"""Programs that stand in for the AWS command line and its Session Manager plugin: a relay instead of a task's agent.

Where an API is at hand, it is asked first, and refuses a caller who lacks the permission.
"""

import sys
from pathlib import Path

from devtools.checkout import CHECKOUT

# Says what the plugin says. `host` and its port are reached from the task; here, from this machine.
_AWS = f"""
import json, os, signal, sys
import boto3
from botocore.exceptions import ClientError
open(os.environ["SEEN"], "w").write(json.dumps([os.getpid(), *sys.argv[1:]]))
if "REFUSE" in os.environ:
    sys.exit("An error occurred (TargetNotConnected): ecs:x is not connected.")
option = dict(zip(sys.argv[3::2], sys.argv[4::2]))
asked = json.loads(option["--parameters"])
if "AWS_ENDPOINT_URL" in os.environ:
    try:
        boto3.client("ssm", region_name=option["--region"]).start_session(
            Target=option["--target"], DocumentName=option["--document-name"], Parameters=asked)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] != 501:
            sys.exit(str(error))
sys.path.insert(0, {str(CHECKOUT)!r})
from tests.support.relay import Relay
relay = Relay(int(asked["portNumber"][0]))
relay.cut()
relay.port = int(asked["localPortNumber"][0])
relay.repair()
print(f"Port {{relay.port}} opened for sessionId me-1.\\nWaiting for connections...", flush=True)
signal.pause()
"""


def install(folder: Path) -> None:
    """Write both programs into a folder; the first leaves its process ID and arguments in the file ``$SEEN``."""
    (folder / "aws.py").write_text(_AWS)
    run_it = f'exec "{sys.executable}" "{folder}/aws.py" "$@"\n'
    for program, command in {"aws": run_it, "session-manager-plugin": ""}.items():
        (folder / program).write_text(f"#!/bin/sh\n{command}")
        (folder / program).chmod(0o755)
