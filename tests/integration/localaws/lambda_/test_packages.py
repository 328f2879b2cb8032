"""What Lambda's runtime brings along is shown, and nothing else."""

import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from localaws.lambda_.packages import RUNTIME_PACKAGES, closure, link_packages


def test_the_closure_of_boto3_is_what_it_needs() -> None:
    assert set(closure(RUNTIME_PACKAGES)) == {
        "boto3",
        "botocore",
        "jmespath",
        "python-dateutil",
        "s3transfer",
        "six",
        "urllib3",
    }


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(PackageNotFoundError, match="no-such-package"):
        closure(["no-such-package"])


def test_an_isolated_python_imports_from_the_folder_and_not_from_ours(tmp_path: Path) -> None:
    for _ in range(2):
        link_packages(closure(RUNTIME_PACKAGES).values(), tmp_path)
    program = f"import sys; sys.path.append({str(tmp_path)!r}); import boto3; print(boto3.__file__); import flask"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert ran.stdout.startswith(str(tmp_path))
    assert "No module named 'flask'" in ran.stderr
