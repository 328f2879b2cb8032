"""Claims about a deployment: outcomes, order, interruption, and the report."""

from collections.abc import Iterator
from functools import partial

import pytest

from scripts.environment import CommandError
from scripts.prove import __main__ as program
from scripts.prove.claim import Claim, DisprovedError, NotApplicableError, OtherwiseError, as_dict, as_text, run

RAISED: dict[str, BaseException] = {
    "wrong": DisprovedError("It is 3, not 2"),
    "otherwise": OtherwiseError("rdsadmin"),
    "absent": NotApplicableError("There is one task"),
    "refused": CommandError("AWS refused"),
    "interrupted": KeyboardInterrupt(),
}


def prove(seen: str, _target: object) -> Iterator[str]:
    """Yield what was seen, or raise what stands for it."""
    if seen in RAISED:
        raise RAISED[seen]
    yield seen


def claims(*seen: str) -> list[Claim]:
    return [Claim(one, f"Claim {one}", 2, "Changes nothing", partial(prove, one)) for one in seen]


def test_claims_after_one_that_does_not_hold_are_tried_and_those_after_an_interruption_are_not() -> None:
    lines: list[str] = []
    results = run(claims("2", "wrong", "absent", "refused", "4", "interrupted", "5"), None, lines.append, lambda: 0.0)
    assert [(result.outcome, result.evidence) for result in results] == [
        ("proven", ("2",)),
        ("DISPROVED", ("It is 3, not 2",)),
        ("not applicable", ("There is one task",)),
        ("ERROR", ("CommandError: AWS refused",)),
        ("proven", ("4",)),
        ("not run", ()),
        ("not run", ()),
    ]
    assert lines[-2:] == ["      proven\n      - 4", "[6/7] Claim interrupted ..."]


def test_what_is_proven_in_place_cannot_be_removed() -> None:
    with pytest.raises(CommandError, match=r"REMOVE=1 destroys .* Set one of them"):
        program.prove({"ENVIRONMENT": "dev", "IN_PLACE": "1", "REMOVE": "1"})


@pytest.mark.parametrize("seen", ["wrong", "refused", "interrupted"])
def test_a_report_is_proven_only_if_every_claim_is_or_cannot_be_made(seen: str) -> None:
    good = run(claims("2", "absent", "otherwise"), None, print, lambda: 0.0)
    assert as_dict({}, good, [])["is_proven"]
    assert not as_dict({}, good, ["beers"])["is_proven"]
    assert not as_dict({}, [*good, *run(claims(seen), None, print, lambda: 0.0)], [])["is_proven"]


def test_the_report_shows_versions_evidence_and_what_is_left() -> None:
    results = run(claims("wrong"), None, print, lambda: 0.0)
    report = as_text(as_dict({"terraform": "1.14"}, results, ["a beer"]))
    assert report.startswith("terraform: 1.14\n\nDISPROVED: Claim wrong (0 s)\n  - It is 3, not 2\n")
    assert report.endswith("\n\nLeft over:\n  a beer\n\n1 DISPROVED.")
