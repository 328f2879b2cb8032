from pathlib import Path

import pytest

from devtools.images.store import ImageStore

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


def test_the_same_files_give_the_same_digest_and_different_files_a_different_one(
    checkout: Path, tmp_path: Path
) -> None:
    store = ImageStore(tmp_path / "images")
    first = store.build(checkout, checkout / "ca.pem")
    assert store.build(checkout, checkout / "ca.pem") == first
    (checkout / "app" / "__init__.py").write_text("changed = True\n")
    assert store.build(checkout, checkout / "ca.pem") != first


def test_an_image_for_containers_is_built_once_from_the_files_that_it_is_made_of(
    checkout: Path, tmp_path: Path
) -> None:
    (checkout / ".dockerignore").write_text("*\n")
    (checkout / "requirements").mkdir()
    (checkout / "requirements" / "service.txt").write_text("flask==1\n")
    store, builds = ImageStore(tmp_path / "images"), []

    def build(context: Path, tag: str) -> None:
        builds.append((tag, sorted(path.relative_to(context).as_posix() for path in context.rglob("*.*"))))

    first = store.build_for_containers(checkout, checkout / "ca.pem", build)
    assert store.build_for_containers(checkout, checkout / "ca.pem", build) == first
    tag, files = builds[0]
    assert len(builds) == 1
    assert files == [".dockerignore", "app/__init__.py", "build/rds-ca.pem", "requirements/service.txt"]
    assert store.get(f"{REPOSITORY}@{first}").tag == tag
    (checkout / "requirements" / "service.txt").write_text("flask==2\n")
    assert store.build_for_containers(checkout, checkout / "ca.pem", build) != first
    process = store.build(checkout, checkout / "ca.pem")
    assert store.get(f"{REPOSITORY}@{process}").tag is None
