from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.images import ImageNotFoundError, ImageStore, command_of
from rehearsal.run import CHECKOUT

REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/taproom"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "app" / "__pycache__").mkdir(parents=True)
    (folder / "app" / "__init__.py").write_text("")
    (folder / "app" / "__pycache__" / "noise.pyc").write_text("noise")
    (folder / "Dockerfile").write_text('FROM scratch\nCMD ["gunicorn", "app:create_app()"]\n')
    (folder / "ca.pem").write_text("a certificate")
    return folder


def test_an_image_is_found_by_its_digest_with_its_files_and_command(checkout: Path, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    image = store.get(f"{REPOSITORY}@{store.build(checkout, checkout / 'ca.pem')}")
    assert image.command == ("gunicorn", "app:create_app()")
    assert (image.directory / "rds-ca.pem").read_text() == "a certificate"
    assert sorted(path.name for path in (image.directory / "app").iterdir()) == ["__init__.py"]


def test_the_same_files_give_the_same_digest_and_others_another(checkout: Path, tmp_path: Path) -> None:
    store = ImageStore(tmp_path / "images")
    first = store.build(checkout, checkout / "ca.pem")
    assert store.build(checkout, checkout / "ca.pem") == first
    (checkout / "app" / "__init__.py").write_text("changed = True\n")
    assert store.build(checkout, checkout / "ca.pem") != first


@pytest.mark.parametrize("reference", [f"{REPOSITORY}@sha256:{'0' * 64}", f"{REPOSITORY}:latest", ""])
def test_an_image_that_was_never_built_cannot_be_pulled(reference: str, tmp_path: Path) -> None:
    with pytest.raises(ImageNotFoundError, match="CannotPullContainerError"):
        ImageStore(tmp_path).get(reference)


def test_the_projects_dockerfile_has_a_command_that_starts_gunicorn() -> None:
    assert command_of(CHECKOUT / "Dockerfile")[0] == "gunicorn"


def test_a_dockerfile_without_a_command_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCMD gunicorn\n")
    with pytest.raises(RehearsalError, match="exec form"):
        command_of(tmp_path / "Dockerfile")
