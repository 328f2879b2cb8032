"""The measurements as a Markdown table and as an SVG chart. No I/O."""

import math
from collections import Counter
from collections.abc import Sequence
from html import escape
from statistics import mean

from bench.rotation.measure import Measured
from bench.rotation.procedures import Moment

_BIN_SECONDS = 0.25
_WIDTH, _ROW, _LEFT, _RIGHT, _TOP = 860, 74, 20, 20, 54
_BAR = 40


def table(results: Sequence[Measured]) -> str:
    """Return a table with a row for each design."""
    lines = [
        "| design | failed | requests | p99 latency | a rotation takes |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {result.design.name} | {result.failed} | {len(result.sent)} | {result.p99_seconds * 1000:.0f} ms | "
        f"{mean(result.rotation_seconds):.2f} s |"
        for result in results
    ]
    return "\n".join(lines) + "\n"


def chart(results: Sequence[Measured]) -> str:
    """Return failed requests over time as SVG, with a strip for each design."""
    seconds = max(result.seconds for result in results)
    height = _TOP + _ROW * len(results) + 30
    most = max((count for result in results for count in _failures(result).values()), default=1)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
            'font-size="13" role="img" aria-label="Failed requests over time, by design">'
        ),
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="20" font-weight="bold">Failed requests in each quarter of a second</text>',
        (
            f'<text x="{_LEFT}" y="38" fill="#555555">The highest bar is {most}. Dashed: the new password is set. '
            "Solid: AWSCURRENT has moved.</text>"
        ),
    ]
    for number, result in enumerate(results):
        parts += _strip(result, _TOP + _ROW * number, seconds, most)
    axis = height - 24
    for second in range(0, math.floor(seconds) + 1, 2):
        x = _x(second, seconds)
        parts.append(f'<text x="{x:.1f}" y="{axis + 16}" text-anchor="middle" fill="#555555">{second} s</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _strip(result: Measured, top: int, seconds: float, most: int) -> list[str]:
    floor = top + _ROW - 12
    name = escape(result.design.name.replace("`", ""))
    parts = [
        f'<text x="{_LEFT}" y="{top + 14}">{name}: {result.failed} of {len(result.sent)}</text>',
        f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{floor}" y2="{floor}" stroke="#999999"/>',
    ]
    for moment_at, moment in result.moments:
        x = _x(moment_at, seconds)
        dashes = ' stroke-dasharray="3 3"' if moment is Moment.SET else ""
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{floor - _BAR}" y2="{floor}" stroke="#3366aa"{dashes}/>')
    width = (_x(_BIN_SECONDS, seconds) - _x(0, seconds)) * 0.9
    for slot, count in sorted(_failures(result).items()):
        bar = max(1.0, _BAR * count / most)
        x = _x(slot * _BIN_SECONDS, seconds)
        parts.append(f'<rect x="{x:.1f}" y="{floor - bar:.1f}" width="{width:.1f}" height="{bar:.1f}" fill="#bb3322"/>')
    return parts


def _failures(result: Measured) -> Counter[int]:
    return Counter(int(ended_at / _BIN_SECONDS) for ended_at, _, failed in result.sent if failed)


def _x(at: float, seconds: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * at / seconds
