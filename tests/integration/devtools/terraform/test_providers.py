from pathlib import Path

import pytest

from devtools.terraform.providers import provider_mirror

LOCK = """provider "registry.terraform.io/hashicorp/aws" {
  version     = "5.100.0"
  constraints = "~> 5.100"
}
"""


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        pytest.param("hashicorp/aws/5.100.0/linux_amd64/plugin", True, id="unpacked"),
        pytest.param("hashicorp/aws/terraform-provider-aws_5.100.0_linux_amd64.zip", True, id="packed"),
        pytest.param("hashicorp/aws/5.99.0/linux_amd64/plugin", False, id="another version"),
    ],
)
def test_a_mirror_counts_when_it_holds_the_locked_version(inside: str, found: bool, tmp_path: Path) -> None:
    mirror = tmp_path / "somewhere" / "plugins"
    plugin = mirror / "registry.terraform.io" / inside
    plugin.parent.mkdir(parents=True)
    plugin.touch()
    (tmp_path / "lock").write_text(LOCK)
    assert provider_mirror(tmp_path / "lock", (str(tmp_path),)) == (mirror if found else None)
