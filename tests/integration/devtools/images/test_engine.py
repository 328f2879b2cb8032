from pathlib import Path

import pytest

from devtools.errors import UserError
from devtools.images.engine import Engine, base_arguments, find_podman
from devtools.images.store import Image
from localaws.ecs.containers import Container, read_containers
from localaws.ecs.runtime import AsProcess, InPodman, runtime_of

PODMAN = Engine("podman", "/usr/bin/podman")
ON_A_TASK = {"VERSION": "1", "DATABASE_SECRET": "a secret value"}


def test_without_any_engine_the_error_names_the_command_that_installs_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match=r"No working docker or podman or buildah.*setup-containers"):
        Engine.find()


@pytest.mark.parametrize(
    ("engine", "expected"),
    [
        pytest.param(Engine("docker", "docker"), ["build", "--tag", "t", "."], id="docker"),
        pytest.param(PODMAN, ["build", "--tag", "t", "--format", "docker", "."], id="podman keeps the health check"),
        pytest.param(
            Engine("podman", "podman", has_systemd=False),
            ["build", "--tag", "t", "--format", "docker", "--isolation", "chroot", "--network", "host", "."],
            id="podman without systemd",
        ),
    ],
)
def test_each_engine_builds_with_its_own_options(engine: Engine, expected: list[str]) -> None:
    assert engine.build_arguments(Path(), "t") == expected


def test_no_value_of_a_variable_is_on_a_command_line() -> None:
    runtime = InPodman(PODMAN, "image:1", Path(), Container("app", "image"), name="n", run="/run")
    program = runtime.container(["serve"], ON_A_TASK)
    assert "a secret value" not in " ".join(program.argv)
    assert program.environment["DATABASE_SECRET"] == "a secret value"
    assert program.argv[-2:] == ["image:1", "serve"]


def test_a_container_is_run_as_the_task_definition_says() -> None:
    (container,) = read_containers(
        [
            {
                "name": "app",
                "image": "image",
                "user": "10001",
                "readonlyRootFilesystem": True,
                "linuxParameters": {"capabilities": {"drop": ["ALL"]}},
                "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/tmp"}],
            }
        ]
    )
    line = " ".join(InPodman(PODMAN, "t", Path(), container, name="n", run="/run").container([], {}).argv)
    for option in ("--user 10001", "--read-only", "--cap-drop ALL", "--tmpfs /tmp", "--security-opt no-new-privileges"):
        assert option in line


def test_a_task_is_a_process_unless_its_image_has_been_built(tmp_path: Path) -> None:
    image = Image(tmp_path, ("serve",))
    runtime = runtime_of(image, Container("app", "image"), task="t", scratch=tmp_path, run_directory=tmp_path)
    assert runtime == AsProcess(image, tmp_path)
    assert runtime.container(["serve"], ON_A_TASK).environment == ON_A_TASK


def test_containers_are_refused_where_they_have_a_network_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(UserError, match="TASKS=container needs Linux"):
        find_podman()


@pytest.mark.parametrize(
    ("base", "name", "tag"),
    [
        ("python:3.13-slim", "python", "3.13-slim"),
        ("registry.example.com:5000/tools/python:3.13", "registry.example.com:5000/tools/python", "3.13"),
        ("python:3.13-slim@sha256:0123", "python", "3.13-slim@sha256:0123"),
    ],
)
def test_a_base_is_given_to_a_dockerfile_by_name_and_tag(base: str, name: str, tag: str) -> None:
    assert base_arguments(base) == {"BASE": name, "BASE_TAG": tag}


@pytest.mark.parametrize("base", ["python", "registry.example.com:5000/python", "python:", ":3.13", ""])
def test_a_base_without_a_tag_is_refused(base: str) -> None:
    with pytest.raises(UserError, match="has no tag"):
        base_arguments(base)
