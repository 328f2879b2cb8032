"""The number of workers for a share of a machine."""

import math
import re
from pathlib import Path

import pytest

from app.server.capacity import Capacity, capacity, worker_count
from app.settings import Settings
from tests.support.task_metadata import task_metadata


@pytest.mark.parametrize(
    ("processors", "mebibytes", "workers"),
    [
        (0.25, 512, 2),
        (0.5, 1024, 2),
        (1, 2048, 2),
        (2, 4096, 2),
        (2.5, 4096, 3),
        (4, 8192, 4),
        (16, 512, 4),
        (2, 128, 1),
    ],
)
def test_the_number_of_workers_follows_the_cpu_within_the_memory(
    processors: float, mebibytes: int, workers: int
) -> None:
    assert worker_count(Capacity(processors, mebibytes)) == workers


def test_terraform_derives_the_same_workers_and_connections() -> None:
    text = (Path(__file__).parents[3] / "terraform" / "environment" / "access.tf").read_text()
    (workers,) = re.findall(r"service_workers += (.+)", text)
    (connections,) = re.findall(r"service_connections += (.+)", text)
    assert int(connections) == Settings.pool_size
    formula = workers.replace("var.service_cpu_units", "units").replace("var.service_memory_mebibytes", "mebibytes")
    for units, mebibytes in ((256, 512), (512, 1024), (1024, 2048), (2048, 4096), (4096, 8192), (4096, 30720)):
        known = {"max": max, "min": min, "ceil": math.ceil, "floor": math.floor, "units": units, "mebibytes": mebibytes}
        assert eval(formula, known) == worker_count(Capacity(units / 1024, mebibytes))


def test_capacity_is_limited_by_the_control_group(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("25000 100000\n")
    (tmp_path / "memory.max").write_text("268435456\n")
    assert capacity(None, tmp_path) == Capacity(0.25, 256)


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"cpu.max": "max 100000", "memory.max": "max"},
        {"cpu.max": "", "memory.max": "nonsense"},
    ],
)
def test_capacity_without_a_limit_is_the_machines(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = capacity(None, tmp_path)
    assert found.processors >= 1
    assert 0 < found.memory_mebibytes < 2**30


def test_capacity_is_limited_by_the_task(tmp_path: Path) -> None:
    with task_metadata({"Limits": {"CPU": 0.25, "Memory": 512}}) as uri:
        assert capacity(uri, tmp_path) == Capacity(0.25, 512)


@pytest.mark.parametrize("document", [{}, [], {"Limits": {"CPU": "many"}}, "nonsense"])
def test_invalid_task_metadata_is_ignored(tmp_path: Path, document: object) -> None:
    with task_metadata(document) as uri:
        assert capacity(uri, tmp_path) == capacity(None, tmp_path)


def test_an_unreachable_metadata_endpoint_is_ignored(tmp_path: Path) -> None:
    assert capacity("http://127.0.0.1:9", tmp_path) == capacity(None, tmp_path)
