"""The functions' zip and saved plans in S3, and the registry's word on both; moto has them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from scripts.deployment import artifacts, plan, store
from scripts.environment import CommandError, RefusedError, run_command
from tests.support.moto_server import MotoServer, moto_server

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom"
COMMIT = "c" * 40
SETTINGS = {
    "AWS_REGION": "us-east-1",
    "COMMIT": COMMIT,
    "IMAGE_REPOSITORY": REPOSITORY,
    "STATE_BUCKET": "taproom-terraform-state-999999999999",  # of another account than the registry's
}
BUCKET = "taproom-terraform-state-123456789012"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MotoServer]:
    with moto_server(tmp_path / "moto") as server:
        for name, value in {
            "AWS_ENDPOINT_URL": server.context.settings.endpoint,
            "AWS_ACCESS_KEY_ID": "administrator",
            "AWS_SECRET_ACCESS_KEY": "none",
            "NO_PROXY": "127.0.0.1",
        }.items():
            monkeypatch.setenv(name, value)
        server.client("s3").create_bucket(Bucket=BUCKET)
        server.client("ecr").create_repository(repositoryName="taproom")
        monkeypatch.setattr(plan, "PACKAGE", tmp_path / "build" / "db_bootstrap.zip")
        yield server


def push(server: MotoServer, annotations: dict[str, str]) -> None:
    index = {"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [], "annotations": annotations}
    server.client("ecr").put_image(repositoryName="taproom", imageTag=COMMIT, imageManifest=json.dumps(index))


def test_a_zip_is_stored_once_and_fetched_by_the_images_annotation(server: MotoServer) -> None:
    plan.PACKAGE.parent.mkdir()
    plan.PACKAGE.write_bytes(b"zip")
    for _ in range(2):
        artifacts.store(SETTINGS)
    push(server, {artifacts.ANNOTATION: sha256(b"zip").hexdigest()})
    plan.PACKAGE.unlink()
    artifacts.fetch(SETTINGS)
    assert plan.PACKAGE.read_bytes() == b"zip"
    key = f"artifacts/{sha256(b'zip').hexdigest()}.zip"
    server.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"another")
    plan.PACKAGE.unlink()
    with pytest.raises(CommandError, match="is not the zip that main built"):
        artifacts.fetch(SETTINGS)
    assert not plan.PACKAGE.exists()


@pytest.mark.parametrize("annotations", [None, {}])
def test_an_image_that_main_did_not_build_has_no_zip(annotations: dict[str, str] | None, server: MotoServer) -> None:
    if annotations is not None:
        push(server, annotations)
    with pytest.raises(CommandError, match="Only main builds both"):
        artifacts.fetch(SETTINGS)


def test_only_an_image_of_the_registry_is_applied(server: MotoServer) -> None:
    push(server, {})
    plan.check_image(f"{REPOSITORY}:{COMMIT}")
    with pytest.raises(RefusedError, match="The registry has no image"):
        plan.check_image(f"{REPOSITORY}@sha256:{'0' * 64}")
    with pytest.raises(CommandError, match="is not an image in ECR"):
        plan.check_image("taproom")


def test_a_plan_in_the_bucket_is_read_back_until_it_is_deleted(server: MotoServer) -> None:
    place = f"s3://{BUCKET}/plans/prod/42"
    assert store.store(place, "prod", b"plan", "us-east-1") == place
    assert store.load(place, "prod", "us-east-1") == b"plan"
    server.client("s3").delete_object(Bucket=BUCKET, Key="plans/prod/42")
    with pytest.raises(RefusedError, match="Run the release again"):
        store.load(place, "prod", "us-east-1")
    for foreign in (place.replace("prod", "dev"), f"s3://{BUCKET}/prod/42", "plan.zip", f"{place}/../dev"):
        with pytest.raises(CommandError, match="is not a plan of prod"):
            store.load(foreign, "prod", "us-east-1")


def test_an_unreachable_bucket_and_an_interrupt_are_one_clear_message_each(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    def load() -> None:
        store.load(f"s3://{BUCKET}/plans/prod/42", "prod", "us-east-1")

    assert run_command({}, load) == 1
    assert "AWS refused, or did not answer" in capsys.readouterr().err
    assert run_command({}, lambda: signal.raise_signal(signal.SIGTERM)) == 130
    assert "Interrupted. Run the command again" in capsys.readouterr().err


CLOSED_TERMINAL = """
import fcntl, pathlib, signal, sys, termios, time
from scripts.environment import run_command
def command():
    try:
        print("ready", flush=True)
        time.sleep(60)
    finally:
        print("Cleaning up", flush=True)
        pathlib.Path(sys.argv[1]).touch()
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as without nohup
fcntl.ioctl(0, termios.TIOCSCTTY)
sys.exit(run_command({}, command))
"""


def test_a_command_whose_terminal_is_closed_cleans_up_although_it_can_print_nothing(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", CLOSED_TERMINAL, str(tmp_path / "cleaned up")]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        assert os.read(ours, 5) == b"ready"
        os.close(ours)
    assert process.returncode == 130
    assert (tmp_path / "cleaned up").exists()
