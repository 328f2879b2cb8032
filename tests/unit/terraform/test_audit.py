"""What `make audit` is told to overlook is little, and has a reason."""

import re

from rehearsal.run import CHECKOUT

SKIPS = [
    (str(path.relative_to(CHECKOUT)), rule, reason)
    for path in sorted((CHECKOUT / "terraform").rglob("*.tf"))
    if ".terraform" not in path.parts
    for rule, reason in re.findall(r"# checkov:skip=(\w+):?(.*)", path.read_text())
]


def test_a_rule_is_overlooked_at_ten_places_at_most() -> None:
    assert 0 < len(SKIPS) <= 10


def test_whoever_overlooks_a_rule_says_why() -> None:
    assert [skip for skip in SKIPS if len(skip[2].split()) < 10] == []


def test_a_rule_that_is_overlooked_everywhere_has_its_reason_beside_it() -> None:
    config = (CHECKOUT / ".checkov.yaml").read_text()
    listed = re.findall(r"^  - (CKV\w+)(.*)$", config, re.MULTILINE)
    assert [rule for rule, reason in listed if not re.match(r" # .{30,}", reason)] == []
    assert 0 < len(listed) <= 3
