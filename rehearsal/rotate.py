"""Rotate the logins of a running rehearsal while clients send requests, and print each step as it happens.

What rotates is what AWS would have: Secrets Manager invokes the deployed function, step by step. This only asks for it,
as ``aws secretsmanager rotate-secret`` does, and follows the journal.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from devtools.errors import UserError
from devtools.load import Load
from rehearsal.aws import aws_client, write_token
from rehearsal.database import connected, credential
from rehearsal.run import Run

MASTER = "master"
CLIENTS = 4
PAUSE_SECONDS = 0.02
# Of load alone, before the first rotation and after the last: what is usual, and what a rotation leaves behind.
LEAD_SECONDS = 1.0
SHOWN_FAILURES = 20
_PATIENCE_SECONDS = 600
_POLL_SECONDS = 0.05


class Rotated(NamedTuple):
    """How the rotation of a login ended: the login role that its secret names, and whether the rotation succeeded."""

    current: str
    failed_attempts: int
    succeeded: bool


def rotate(run: Run, wanted: str | None) -> None:
    """Rotate every login, or the one that is wanted, one after the other under load; print what happens.

    Raises:
        UserError: nothing runs, there is no such login, a rotation did not succeed, or a request failed.
    """
    run.require_running()
    rotations = Rotations(run)
    chosen = _choose(rotations.secret_arn_by_login(), wanted)
    started = time.monotonic()
    with clients(run) as load:
        print(f"{CLIENTS} clients read and add beers through the load balancer; their beers are removed at the end.")

        def say(text: str) -> None:
            print(f"  {text:<50} {load.requests:>6} requests, {len(load.failures)} failed", flush=True)

        time.sleep(LEAD_SECONDS)
        done = []
        for login, arn in chosen.items():
            print(f"\n{login}: {credential(run, arn)['username']} is current")
            done.append(rotations.rotate(login, arn, say))
        time.sleep(LEAD_SECONDS)
    succeeded = sum(rotated.succeeded for rotated in done)
    failed = sum(rotated.failed_attempts for rotated in done)
    print(f"\n{succeeded} of {len(done)} rotated, {failed} failed attempts.")
    seconds = time.monotonic() - started
    print(f"{load.requests} requests in {seconds:.1f} s, {len(load.failures)} failed; {len(load.added)} beers added.")
    for failure in load.failures[:SHOWN_FAILURES]:
        print(f"  {failure}")
    if succeeded < len(done) or failed or load.failures:
        raise UserError(f"Something failed. Read why in {run.logs / 'functions'} and {run.logs / 'tasks'}.")


@contextmanager
def clients(run: Run, pause_seconds: float = PAUSE_SECONDS) -> Iterator[Load]:
    """Let clients read and add beers through the load balancer of a run; remove at the end all that such clients added.

    Raises:
        UserError: nothing runs.
    """
    token = write_token(run)
    assert run.ports  # of what runs
    load = Load([f"127.0.0.1:{run.ports.balancer}"], CLIENTS, token, pause_seconds)
    try:
        with load:
            yield load
    finally:
        arn = Rotations(run).secret_arn_by_login()["beers_app"]
        with connected(run, credential(run, arn)) as connection:
            connection.run("DELETE FROM beers.beers WHERE style = 'Load' AND name ~ '^Load [0-9a-f]{8} [0-9]+ [0-9]+$'")


class Rotations:
    """Rotate the secrets of a run.

    Args:
        run: its local AWS must answer.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._journal = run.logs / "journal.jsonl"
        self._client = aws_client(run, "secretsmanager")

    def secret_arn_by_login(self) -> dict[str, str]:
        """The secrets that are rotated, by login; the database's master is the last."""
        found = {}
        master = {}
        for secret in self._client.list_secrets()["SecretList"]:
            if secret.get("OwningService") == "rds":
                master = {MASTER: secret["ARN"]}
            elif secret.get("RotationEnabled"):
                # NAME/database/LOGIN-SUFFIX, as Terraform names them.
                found[secret["Name"].rpartition("/")[2].rpartition("-")[0]] = secret["ARN"]
        return {**dict(sorted(found.items())), **master}

    def rotate(self, login: str, arn: str, say: Callable[[str], None]) -> Rotated:
        """Rotate one login and wait for the end, good or bad; say each step."""
        events = _events_after(self._journal, self._journal.stat().st_size)
        token = self._begin(arn, say)
        if login == MASTER:
            say("RDS has set a new password")
            return Rotated(self._username(arn), 0, succeeded=True)
        failed_attempts = 0
        for event in events:
            if event.get("version_id") != token:
                continue
            match event["kind"]:
                case "rotation.step":
                    say(f"{event['step']:<13} done in {event['milliseconds'] / 1000:6.2f} s")
                case "rotation.failed":
                    failed_attempts += 1
                    say(f"{event['step']:<13} failed: {event['error']}")
                case "rotation.abandoned":
                    say("given up after the last attempt; what is current stays")
                    return Rotated(self._username(arn), failed_attempts, succeeded=False)
                case "rotation.succeeded":
                    current = self._username(arn)
                    say(f"rotated: {current} is current")
                    return Rotated(current, failed_attempts, succeeded=True)
        raise UserError(f"The rotation of {login} has not ended within {_PATIENCE_SECONDS // 60} minutes.")

    def _begin(self, arn: str, say: Callable[[str], None]) -> str:
        """Ask for a rotation; return the id of the pending version."""
        try:
            token: str = self._client.rotate_secret(SecretId=arn).get("VersionId", "")
        except ClientError as error:
            if "will be reattempted" not in str(error):
                raise UserError(f"Secrets Manager does not rotate {arn}: {error}") from error
            say("an earlier rotation did not end; it is attempted again")
            labels = self._client.describe_secret(SecretId=arn)["VersionIdsToStages"]
            token = next(version for version, own in labels.items() if "AWSPENDING" in own)
        return token

    def _username(self, arn: str) -> str:
        return str(credential(self._run, arn)["username"])


def _choose(secret_arn_by_login: dict[str, str], wanted: str | None) -> dict[str, str]:
    if wanted is None:
        return {login: arn for login, arn in secret_arn_by_login.items() if login != MASTER}
    if wanted not in secret_arn_by_login:
        raise UserError(f"There is no rotated login {wanted!r}; there is {', '.join(secret_arn_by_login)}.")
    return {wanted: secret_arn_by_login[wanted]}


def _events_after(journal: Path, offset: int) -> Iterator[dict[str, Any]]:
    """The journal's events after an offset, until patience ends."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    rest = ""
    with journal.open(encoding="utf-8") as file:
        file.seek(offset)
        while time.monotonic() < deadline:
            *lines, rest = (rest + file.read()).split("\n")
            yield from map(json.loads, lines)
            time.sleep(_POLL_SECONDS)
