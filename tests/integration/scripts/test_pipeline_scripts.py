"""The decisions and messages of the pipeline's commands; tests/e2e/rehearsal/test_release.py runs them for real."""

import json
import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scripts import release_notes
from scripts.deployment import image_digest, smoke
from scripts.environment import CommandError, Running
from tests.support.moto_server import moto_server
from tests.support.pipeline import git_in

CHANGELOG = "# Changelog\n\n## Unreleased\n\n- Later.\n\n## 1.2.0 - 2026-11-24\n\n- Now.\n\n## 1.1.0\n\n- Before.\n"
REPOSITORY = {"registryId": "123456789012", "repositoryName": "taproom"}
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.mark.parametrize(
    ("commit", "digest", "sentence"),
    [
        ("", "", "not a commit"),
        ("main", "", "not a commit"),
        ("c" * 40, "sha256:abc", "not a digest"),
        ("", "$(id)", "not a digest"),
    ],
)
def test_what_names_no_image_is_refused(commit: str, digest: str, sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        image_digest.image_id(commit, digest)


def test_a_release_tags_its_image_once_and_never_another_image_and_laptops_images_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gh = tmp_path / "gh"
    gh.write_text("#!/bin/sh\necho none >&2\nexit 1\n")
    gh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    tags = ("a" * 40, "b" * 40, "laptop-" + "c" * 40)
    annotations = {"dev.taproom.run": "77"}
    with moto_server(tmp_path) as server:
        ecr = server.client("ecr")
        ecr.create_repository(repositoryName="taproom", imageTagMutability="IMMUTABLE")
        for tag in tags:
            ecr.put_image(
                repositoryName="taproom",
                imageTag=tag,
                imageDigest=f"sha256:{tag[-1] * 64}",  # else moto chooses one of a hundred
                imageManifest=json.dumps(
                    {"mediaType": MANIFEST, "config": {"digest": tag}, "annotations": annotations}
                ),
            )
        first, second, laptops = (image_digest.find(ecr, REPOSITORY, {"imageTag": tag}) for tag in tags)
        for _ in range(2):
            image_digest.keep(ecr, REPOSITORY, str(first), "v1.2.0")
        assert image_digest.find(ecr, REPOSITORY, {"imageTag": "release-v1.2.0"}) == first
        with pytest.raises(CommandError, match=r"release-v1\.2\.0 is another image"):
            image_digest.keep(ecr, REPOSITORY, str(second), "v1.2.0")
        image_digest.keep(ecr, REPOSITORY, str(second), "staging-v1.3.0")
        assert image_digest.check(ecr, REPOSITORY, str(second), {"RELEASED_FOR": "staging"}) == "77"
        for image, settings, sentence in (
            (laptops, {}, "Main did not build .*laptop-c"),
            (second, {"RELEASED_FOR": "prod"}, "never released to prod"),
            (second, {"ATTESTED": "true", "GITHUB_REPOSITORY": "o/r"}, "no valid attestation of main. gh says: none"),
        ):
            with pytest.raises(CommandError, match=sentence):
                image_digest.check(ecr, REPOSITORY, str(image), settings)
        gh.write_text("#!/bin/sh\n")
        attested = {"ATTESTED": "true", "GITHUB_REPOSITORY": "o/r", "COMMIT": "b" * 40}
        assert image_digest.check(ecr, REPOSITORY, str(second), attested) == "77"


@pytest.mark.parametrize("tag", ["", "1.2.0", "v1.2", "v1.2.0;id", "vnext"])
def test_a_tag_that_is_no_version_is_refused(tag: str) -> None:
    with pytest.raises(CommandError, match="is not a release"):
        release_notes.version_of(tag)


@pytest.mark.parametrize("version", ["1.2", "1.3.0", "2.0"])
def test_a_version_that_the_changelog_does_not_tell_of_is_refused(version: str) -> None:
    with pytest.raises(CommandError, match=r"CHANGELOG\.md has no section"):
        release_notes.notes(CHANGELOG, version)


def test_only_a_tag_on_main_of_its_own_version_is_a_release(tmp_path: Path) -> None:
    git = partial(git_in, tmp_path)
    git("init", "--initial-branch=main")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.0"\n')
    git("add", ".")
    git("commit", "--message", "One")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("tag", "--annotate", "v1.2.0", "--message", "A custom tag")
    (tmp_path / "CHANGELOG.md").write_text("Not of the tag\n")
    release_notes.write({"TAG": "v1.2.0", "GITHUB_OUTPUT": str(tmp_path / "output")}, tmp_path)
    assert (tmp_path / "output").read_text() == f"commit={release_notes.commit_of('v1.2.0', tmp_path)}\n"
    assert (tmp_path / "build" / "release-notes.md").read_text() == "- Now.\n"
    assert release_notes.notes(CHANGELOG, "1.1.0") == "- Before.\n"
    git("tag", "v1.2.1")
    with pytest.raises(CommandError, match=r"version 1\.2\.0, not 1\.2\.1"):
        release_notes.write({"TAG": "v1.2.1"}, tmp_path)
    git("commit", "--allow-empty", "--message", "Two")
    git("tag", "v1.1.0")
    for tag, sentence in (("v1.1.0", "not on main"), ("v1.3.0", "There is no tag")):
        with pytest.raises(CommandError, match=sentence):
            release_notes.commit_of(tag, tmp_path)


GOOD = Running("td:7", "image@sha256:a", "COMPLETED", running=2, desired=2, others=0)


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (GOOD, None),
        (Running("td:6", "image@sha256:a", "COMPLETED", 2, 2, 0), "runs td:6, and td:7 was applied"),
        (Running("td:7", "image@sha256:b", "COMPLETED", 2, 2, 0), "Its image is image@sha256:b"),
        (Running("td:7", "image@sha256:a", "IN_PROGRESS", 2, 2, 0), "IN_PROGRESS, not COMPLETED"),
        (Running("td:7", "image@sha256:a", "COMPLETED", 1, 2, 0), "1 of 2 tasks run"),
        (Running("td:7", "image@sha256:a", "COMPLETED", 2, 2, 1), "1 older deployments remain"),
    ],
)
def test_a_deployment_is_held_to_what_was_applied(found: Running, sentence: str | None) -> None:
    problems = smoke.problems(found, "td:7", "image@sha256:a")
    assert len(problems) == (0 if sentence is None else 1)
    assert all(str(sentence) in problem for problem in problems)


@pytest.mark.parametrize(
    ("reported", "sentence", "polls"),
    [
        ([("td:7", "IN_PROGRESS"), ("td:7", "IN_PROGRESS"), ("td:7", "COMPLETED")], None, 3),
        ([("td:7", "IN_PROGRESS"), ("td:6", "IN_PROGRESS")], "runs td:6", 2),
        ([("td:7", "IN_PROGRESS"), ("td:7", "FAILED")], "FAILED", 2),
        ([("td:7", "IN_PROGRESS")] * 500, "IN_PROGRESS", 180),
    ],
    ids=["completed", "rolled back", "failed", "for ever"],
)
def test_a_deployment_under_way_is_waited_for(
    reported: list[tuple[str, str]], sentence: str | None, polls: int, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = iter(reported)
    pauses: list[float] = []

    def describe() -> Running:
        definition, rollout = next(seen)
        return Running(definition, "image@sha256:a", rollout, 2, 2, 0)

    wrong = smoke.wait_for_deployment(describe, "td:7", "image@sha256:a", pauses.append)
    assert (wrong == []) if sentence is None else (sentence in wrong[0])
    assert len(pauses) == polls - 1
    assert "under way" in capsys.readouterr().out


def test_a_service_that_does_not_answer_is_asked_for_half_a_minute() -> None:
    pauses: list[float] = []
    with pytest.raises(CommandError, match=r"http://127.0.0.1:1/readyz does not answer"):
        smoke.wait_for_page("http://127.0.0.1:1/readyz", pauses.append)
    assert sum(pauses) == 25


class TargetHealth:
    """Answers like the load balancer's API."""

    def __init__(self, *states: str) -> None:
        self._states = states

    def describe_target_health(self, **_request: str) -> dict[str, Any]:
        return {"TargetHealthDescriptions": [{"TargetHealth": {"State": state}} for state in self._states]}


def test_a_service_that_is_closed_to_the_caller_is_judged_by_its_targets() -> None:
    smoke.check_targets(TargetHealth("healthy", "draining"), "arn")
    for states, names in (
        (("healthy", "unhealthy"), "healthy, unhealthy"),
        ((), "missing"),
        (("draining",), "missing"),
    ):
        with pytest.raises(CommandError, match=f"targets are {names}, not healthy"):
            smoke.check_targets(TargetHealth(*states), "arn")
