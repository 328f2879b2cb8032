"""Claims about a deployment, their outcomes, and the report. No I/O; the callers pass the clock and the output."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from scripts.environment import CommandError

FAILURES = (CommandError, BotoCoreError, ClientError, OSError, LookupError, ValueError)
"""The errors of a claim that cannot be tried."""
USD_PER_HOUR = 0.20  # of dev
PROVEN, NOT_RUN = "proven", "not run"


class DisprovedError(Exception):
    """A claim does not hold; the message is the evidence."""

    outcome = "DISPROVED"


class NotApplicableError(DisprovedError):
    """A claim cannot be made about this deployment; the message is the reason."""

    outcome = "not applicable"


class OtherwiseError(DisprovedError):
    """AWS answers an open question otherwise than the rehearsal assumes."""

    outcome = "OTHERWISE"


_GOOD = {PROVEN, NotApplicableError.outcome, OtherwiseError.outcome}
Prove = Callable[[Any], Iterable[str]]
"""Return the evidence, or raise ``DisprovedError``."""


class Claim(NamedTuple):
    """A sentence about a deployment; what proving it does there, and about how long it takes in AWS."""

    key: str
    text: str
    minutes: float
    effect: str
    prove: Prove


class Result(NamedTuple):
    """The outcome of one claim, with sentences about what was seen."""

    key: str
    claim: str
    outcome: str
    seconds: float
    evidence: tuple[str, ...]


CLAIMS: list[Claim] = []


def claim(key: str, minutes: float, effect: str = "Changes nothing") -> Callable[[Prove], Prove]:
    """Register a function that proves the claim in its docstring."""

    def register(prove: Prove) -> Prove:
        CLAIMS.append(Claim(key, (prove.__doc__ or "").rstrip("."), minutes, effect, prove))
        return prove

    return register


def question(
    row: str, assumed: str, minutes: float = 1, effect: str = "Asks AWS"
) -> Callable[[Callable[[Any], str]], None]:
    """Register a function that answers the open question in its docstring; empty if it cannot be asked.

    Args:
        row: of docs/aws-behaviours.md.
        assumed: the answer that the rehearsal gives.
        minutes: about how long it takes in AWS.
        effect: what asking does there.
    """

    def register(ask: Callable[[Any], str]) -> None:
        def prove(target: object) -> Iterable[str]:
            found = ask(target)
            if not found:
                raise NotApplicableError("It cannot be asked here.")
            if found != assumed:
                raise OtherwiseError(f"{found}. The rehearsal assumes: {assumed}")
            return (f"As the rehearsal assumes: {found}",)

        prove.__doc__ = ask.__doc__
        claim(row, minutes, effect)(prove)

    return register


def run(
    claims: Sequence[Claim], target: object, report: Callable[[str], None], clock: Callable[[], float]
) -> list[Result]:
    """Try each claim, also after one that does not hold; after Ctrl-C, the others are not run."""
    results: list[Result] = []
    for number, one in enumerate(claims, 1):
        began = clock()
        report(f"[{number}/{len(claims)}] {one.text} ...")
        try:
            outcome, evidence = PROVEN, tuple(one.prove(target))
        except DisprovedError as error:
            outcome, evidence = error.outcome, (str(error),)
        except FAILURES as error:
            outcome, evidence = "ERROR", (f"{type(error).__name__}: {error}",)
        except KeyboardInterrupt:
            return results + [Result(rest.key, rest.text, NOT_RUN, 0, ()) for rest in claims[number - 1 :]]
        results.append(Result(one.key, one.text, outcome, clock() - began, evidence))
        report("\n".join([f"      {outcome}", *(f"      - {line}" for line in evidence)]))
    return results


def announcement(claims: Iterable[Claim], minutes: float) -> str:
    """Return what is about to happen, how long it takes with some minutes more, and roughly what it costs."""
    known = list(claims)
    lines = [f"  {one.key:<10} {one.text} ({one.effect}; about {one.minutes:g} min in AWS)" for one in known]
    minutes += sum(one.minutes for one in known)
    cost = f"{minutes / 60 * USD_PER_HOUR:.2f} USD ({USD_PER_HOUR:.2f} an hour, docs/costs.md)"
    return "\n".join([*lines, f"In AWS this takes about {minutes:.0f} minutes; the environment costs {cost}."])


def as_dict(header: Mapping[str, str], results: Sequence[Result], leftovers: Sequence[str]) -> dict[str, Any]:
    """Return the report as values for JSON."""
    is_proven = {result.outcome for result in results} <= _GOOD and not leftovers
    claims = [result._asdict() for result in results]
    return {**header, "is_proven": is_proven, "claims": claims, "leftovers": list(leftovers)}


def as_text(report: Mapping[str, Any]) -> str:
    """Return a report, as ``as_dict`` makes it, for people."""
    lines = [f"{name}: {value}" for name, value in report.items() if isinstance(value, str)]
    for result in report["claims"]:
        lines += ["", f"{result['outcome']}: {result['claim']} ({result['seconds']:.0f} s)"]
        lines += [f"  - {sentence}" for sentence in result["evidence"]]
    lines += ["", "Left over:", *(f"  {what}" for what in report["leftovers"])] if report["leftovers"] else []
    counts = Counter(result["outcome"] for result in report["claims"])
    return "\n".join([*lines, "", ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + "."])
