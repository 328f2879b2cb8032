"""Where this checkout of the project is."""

from pathlib import Path

CHECKOUT = Path(__file__).parent.parent
