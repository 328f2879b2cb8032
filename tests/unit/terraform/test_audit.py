"""What `make audit` is told to overlook is little, and has a reason."""

import re

from devtools.checkout import CHECKOUT

AUDITED = [
    *sorted(path for path in (CHECKOUT / "terraform").rglob("*.tf") if ".terraform" not in path.parts),
    *sorted((CHECKOUT / ".github" / "workflows").glob("*.yml")),
    *(CHECKOUT / folder / "Dockerfile" for folder in (".", "db_bootstrap")),
]
SKIPS = [
    (str(path.relative_to(CHECKOUT)), rule, reason)
    for path in AUDITED
    for rule, reason in re.findall(r"# checkov:skip=(\w+):?(.*)", path.read_text())
]


def test_no_dockerfile_is_forgotten() -> None:
    own = [path for path in CHECKOUT.iterdir() if path.name not in {".venv", "build", ".rehearsal", ".git"}]
    found = [path for top in own for path in (top.rglob("*Dockerfile*") if top.is_dir() else [top])]
    assert {path for path in found if "Dockerfile" in path.name and path.suffix != ".dockerignore"} <= {*AUDITED}


def test_a_rule_is_overlooked_at_ten_places_at_most() -> None:
    assert 0 < len(SKIPS) <= 10


def test_whoever_overlooks_a_rule_says_why() -> None:
    assert [skip for skip in SKIPS if len(skip[2].split()) < 10] == []


def test_no_rule_is_overlooked_everywhere() -> None:
    config = (CHECKOUT / ".checkov.yaml").read_text()
    assert not re.search(r"skip-check|soft-fail|baseline", config)
