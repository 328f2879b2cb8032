"""Trivy's wheel finds mistakes without internet, and no file contains text that looks like an AWS access key."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.checkout import CHECKOUT

TRIVY = shutil.which("trivy", path=str(Path(sys.executable).parent))
PUBLIC_DATABASE = """resource "aws_db_instance" "this" {
  engine              = "postgres"
  publicly_accessible = true
}"""
# Tests are included here; Trivy's rule leaves them out.
ACCESS_KEY = re.compile(rb"(?:A3T[A-Z0-9]|AKIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA)[A-Z0-9]{16}")


@pytest.mark.skipif(TRIVY is None, reason="the wheel is for Linux on x86-64 only")
@pytest.mark.parametrize(
    ("file", "text", "finding"),
    [
        ("main.tf", PUBLIC_DATABASE, "AWS-0180"),
        ("Dockerfile", 'FROM debian:13.2\nCMD ["true"]\n', "DS-0002"),
        ("settings.py", 'aws_access_key_id = "AK' + f'IA{"QK5VTR7ZPX3WNB4M"}"', "aws-access-key-id"),
    ],
    ids=["a public database", "an image that runs as root", "an access key"],
)
def test_trivy_finds_insecure_files_without_internet(tmp_path: Path, file: str, text: str, finding: str) -> None:
    (tmp_path / file).write_text(text)
    arguments = ["filesystem", "--quiet", "--scanners", "misconfig,secret", "--skip-check-update", "--exit-code", "1"]
    scan = subprocess.run([str(TRIVY), *arguments, str(tmp_path)], capture_output=True, text=True, check=False)
    assert scan.returncode == 1
    assert finding in scan.stdout


def test_the_base_of_the_image_is_pinned_by_digest() -> None:
    bases = re.findall(r"^ARG BASE_TAG=(.*)$", (CHECKOUT / "Dockerfile").read_text(), re.MULTILINE)
    assert (
        [base for base in bases if re.fullmatch(r"\$\{PYTHON_VERSION\}-slim@sha256:[0-9a-f]{64}", base)] == bases != []
    )


def test_no_file_contains_text_like_an_aws_access_key() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    files = [path for name in listed.stdout.split("\0") if name and (path := CHECKOUT / name).is_file()]
    assert len(files) > 500
    assert [str(path) for path in files if ACCESS_KEY.search(path.read_bytes())] == []
