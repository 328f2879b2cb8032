"""The function's zip: the same bytes everywhere, nothing compiled in it, nothing missing from it."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from devtools.certificates import Authority, create_authority
from devtools.terraform.program import find_terraform
from scripts.package_function import CHECKOUT, PackageError, build
from scripts.package_module import package_module

MAXIMUM_BYTES = 3_000_000


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return create_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def function_zip(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip that would be deployed. Its packages are fetched once a lock and kept in build/."""
    output = tmp_path_factory.mktemp("package") / "function.zip"
    build(authority.ca_file, output)
    return output


class Project:
    """A copy of this project with packages that it built, so that no index is asked."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.folder = folder
        self.authority = authority
        self.wheels = folder / "wheels"
        self.wheels.mkdir(parents=True)
        self.lock = folder / "requirements" / "function.txt"
        self.lock.parent.mkdir()
        self.lock.touch()
        self.cache = folder / "build" / "function-packages"
        shutil.copytree(
            CHECKOUT / "db_bootstrap", folder / "db_bootstrap", ignore=shutil.ignore_patterns("__pycache__")
        )
        (folder / "scripts").mkdir()
        shutil.copy(CHECKOUT / "scripts" / "package_function.py", folder / "scripts")

    def add_wheel(self, name: str, files: dict[str, str], tag: str = "py3-none-any") -> Path:
        """Make a wheel of version 1.0 and lock it."""
        information = f"{name}-1.0.dist-info"
        files = {
            **files,
            f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{information}/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
        }
        record = "".join(f"{file},,\n" for file in (*files, f"{information}/RECORD"))
        wheel = self.wheels / f"{name}-1.0-{tag}.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for file, text in {**files, f"{information}/RECORD": record}.items():
                archive.writestr(zipfile.ZipInfo(file), text)
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        locked = self.lock.read_text()
        start = locked if f"{name}==" in locked else f"{locked}\n{name}==1.0"
        self.lock.write_text(f"{start} --hash=sha256:{digest}")
        return wheel

    def start(self, *, umask: int = 0o022, name: str = "a zip.zip") -> subprocess.Popen[str]:
        """Start the build as a person would, in this project's folder."""
        arguments = ["--ca-file", str(self.authority.ca_file), "--output", f"out put/{name}"]
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.package_function", *arguments],
            cwd=self.folder,
            env={**os.environ, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": self.wheels.as_uri(), "PYTHONPATH": ""},
            umask=umask,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def built(self, *, umask: int = 0o022) -> Path:
        """The zip of a build that must succeed."""
        process = self.start(umask=umask)
        printed, complaint = process.communicate(timeout=120)
        assert (process.returncode, complaint) == (0, "")
        output = self.folder / "out put" / "a zip.zip"
        content = output.read_bytes()
        assert printed == f"out put/a zip.zip: {len(content):,} bytes, sha256 {hashlib.sha256(content).hexdigest()}\n"
        return output

    def refused(self) -> str:
        """Return what a build says that must fail."""
        process = self.start()
        printed, complaint = process.communicate(timeout=120)
        assert (process.returncode, printed) == (1, "")
        return complaint


@pytest.fixture
def project(authority: Authority, tmp_path: Path) -> Project:
    return Project(tmp_path / "a project", authority)


def test_two_checkouts_make_the_same_zip_byte_for_byte(authority: Authority, tmp_path: Path) -> None:
    built = []
    for folder, umask in (("first", 0o022), ("second place", 0o077)):
        project = Project(tmp_path / folder, authority)
        project.add_wheel("hops", {"hops/__init__.py": "", "hops/aroma.py": "CITRUS = 1\n"})
        project.add_wheel("malt", {"malt.py": ""})
        built.append(project.built(umask=umask).read_bytes())
    assert built[0] == built[1]


def test_a_second_build_needs_no_index_and_a_changed_lock_is_installed(project: Project) -> None:
    wheel = project.add_wheel("hops", {"hops.py": ""})
    first = project.built().read_bytes()
    wheel.unlink()
    assert project.built().read_bytes() == first
    project.lock.write_text("")
    project.add_wheel("malt", {"malt.py": ""})
    assert "malt.py" in zipfile.ZipFile(project.built()).namelist()


def test_builds_at_once_and_interrupted_ones_do_no_harm(project: Project) -> None:
    project.add_wheel("hops", {"hops.py": "", "hops_extra.py": ""})
    (project.cache / "unfinished-x" / "packages").mkdir(parents=True)
    builds = [project.start(name=f"{number}.zip") for number in range(2)]
    outputs = [process.communicate(timeout=120) for process in builds]
    assert [process.returncode for process in builds] == [0, 0], outputs
    contents = {(project.folder / "out put" / f"{number}.zip").read_bytes() for number in range(2)}
    assert contents == {project.built().read_bytes()}
    complete = [folder for folder in project.cache.iterdir() if not folder.name.startswith("unfinished-")]
    assert len(complete) == 1
    assert {"hops.py", "hops_extra.py"} <= {path.name for path in complete[0].iterdir()}


def test_only_what_runs_goes_in(project: Project) -> None:
    wanted = {"hops/__init__.py", "hops/data.json", "hops/binary/__init__.py"}
    unwanted = {"hops/__init__.pyi", "hops/py.typed", "hops/tests/test_hops.py", "hops-1.0.data/scripts/brew"}
    unwanted |= {"hops-1.0.dist-info/licenses/LICENSE", "hops-1.0.dist-info/entry_points.txt", "hops.pth"}
    project.add_wheel("hops", dict.fromkeys(wanted | unwanted, ""))
    (project.folder / "db_bootstrap" / "__pycache__").mkdir()
    (project.folder / "db_bootstrap" / "__pycache__" / "x.cpython-311.pyc").touch()
    (project.folder / "db_bootstrap" / "notes.txt").touch()
    names = set(zipfile.ZipFile(project.built()).namelist())
    own = {path.relative_to(project.folder).as_posix() for path in (project.folder / "db_bootstrap").rglob("*.py")}
    command_line = {name for name in own if name.startswith(("db_bootstrap/cli/", "db_bootstrap/__main__"))}
    assert command_line
    assert names == wanted | {"hops-1.0.dist-info/METADATA", "rds-ca.pem"} | own - command_line


def test_pure_python_is_chosen_even_where_this_machine_has_a_faster_wheel(project: Project) -> None:
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    interpreter = f"cp{sys.version_info.major}{sys.version_info.minor}"
    for tag in (f"{interpreter}-none-{platform}", f"py3-none-{platform}"):
        project.add_wheel("hops", {"hops.py": "", "hops_fast.so": ""}, tag)
    project.add_wheel("hops", {"hops.py": ""})
    names = zipfile.ZipFile(project.built()).namelist()
    assert "hops.py" in names
    assert "hops_fast.so" not in names


@pytest.mark.parametrize("name", ["hops/fast.cpython-313-aarch64-linux-gnu.so", "hops/lib/libfast.so.1"])
def test_what_is_compiled_is_refused_by_name(project: Project, name: str) -> None:
    project.add_wheel("hops", {"hops/__init__.py": "", name: ""})
    complaint = project.refused()
    assert f"{name} is compiled for one platform" in complaint
    assert "Replace the package 'hops'" in complaint


def test_a_wheel_that_is_not_the_locked_one_is_refused_and_leaves_nothing(project: Project) -> None:
    wheel = project.add_wheel("hops", {"hops.py": ""})
    wheel.write_bytes(wheel.read_bytes() + b"\n")
    complaint = project.refused()
    assert f"pip could not install {project.lock} (status 1); its last lines:" in complaint
    assert "HASH" in complaint.upper()
    assert "the first build needs a package index" in complaint
    assert list(project.cache.iterdir()) == []


def test_a_missing_lock_is_named(authority: Authority, tmp_path: Path) -> None:
    lock = tmp_path / "requirements" / "function.txt"
    with pytest.raises(PackageError, match=re.escape(f"{lock} cannot be read: No such file or directory. `make lock`")):
        build(authority.ca_file, tmp_path / "function.zip", project=tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(None, "cannot be read: No such file or directory. Name an existing PEM file", id="missing"),
        pytest.param("<html>Access Denied</html>", "holds no certificate that can be read", id="another document"),
        pytest.param(
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "holds no certificate that can be read",
            id="a broken certificate",
        ),
    ],
)
def test_a_file_without_certificates_is_refused_and_the_last_zip_stays(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    last = tmp_path / "function.zip"
    last.write_bytes(b"the last one")
    ca_file = tmp_path / "ca.pem"
    if content is not None:
        ca_file.write_text(content)
    with pytest.raises(PackageError, match=re.escape(f"{ca_file} {complaint}")):
        build(ca_file, last)
    assert last.read_bytes() == b"the last one"


def test_a_private_key_is_not_shipped(tmp_path: Path, authority: Authority) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(authority.ca_file.read_bytes() + authority.key_file.read_bytes())
    with pytest.raises(PackageError, match=re.escape(f"{both} holds a private key")):
        build(both, tmp_path / "function.zip")


def test_the_functions_zip_is_pure_small_and_readable_by_lambda(function_zip: Path) -> None:
    assert function_zip.stat().st_size <= MAXIMUM_BYTES
    with zipfile.ZipFile(function_zip) as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    assert names == sorted(set(names))
    assert not [name for name in names if name.split("/")[0] in ("boto3", "botocore", "bin", "tests")]
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_the_modules_archive_is_a_source_with_the_zip_where_the_module_looks_for_it(
    function_zip: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "database_access.zip"
    package_module(function_zip, archive)
    terraform, _ = find_terraform()
    checksum = hashlib.sha256(archive.read_bytes()).hexdigest()
    source = f"file://{archive}//database_access?checksum=sha256:{checksum}"
    (tmp_path / "main.tf").write_text(f'module "access" {{\n  source = "{source}"\n}}\n')
    done = subprocess.run([terraform, "get"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = tmp_path.glob(".terraform/modules/access/database_access/db_bootstrap.zip")
    assert found.read_bytes() == function_zip.read_bytes()
