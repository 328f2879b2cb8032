"""The path of this checkout of the project."""

from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
