"""Color for text output on a terminal, with the extra ``color``: red takes access away, green gives it."""

import re
import sys

_COLORS = {
    "red": re.compile(r"! |\w.* loses "),
    "green": re.compile(r"- |  \S|\w.* gains "),
    "yellow": re.compile(r"# - "),
}
_END = re.compile(r"^(?:Cannot run:|Not managed,|# Who can do what)", re.MULTILINE)
"""The differences and the findings of an audit come before it."""


def in_color(text: str) -> str:
    """Color differences and findings, if standard output is a terminal and ``NO_COLOR`` (no-color.org) is not set."""
    if not sys.stdout.isatty():
        return text
    try:
        from termcolor import colored  # noqa: PLC0415 - an extra
    except ImportError:
        return text
    end = match.start() if (match := _END.search(text)) else len(text)
    lines = []
    for line in text[:end].splitlines():
        color = next((color for color, pattern in _COLORS.items() if pattern.match(line)), None)
        lines.append(f"{colored(line, color)}\n")
    return "".join(lines) + text[end:]
