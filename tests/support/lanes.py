"""The lanes of the end-to-end tests: tests that share a deployment or an image run in one process and in order.

Rehearsals mostly wait, so `make test` has five processes, which start with one lane each, and `make test-rehearsal`
three. tests/conftest.py starts with the longest lane.
"""

# The longest first.
LANES = ("release", "dev", "half-done applies", "access", "interruptions", "image")
_LANE_BY_FILE = {
    "test_access.py": "access",
    "test_half_done_applies.py": "half-done applies",
    "test_interruptions.py": "interruptions",
    "test_production.py": "release",
    "test_readme.py": "half-done applies",
    "test_release.py": "release",
}


def lane(path: str) -> str | None:
    """Return the lane of a file of tests, by its path in the checkout; None if it has none."""
    folder, _, file = path.rpartition("/")
    if folder == "tests/e2e/rehearsal":
        return _LANE_BY_FILE.get(file, "dev")
    return "image" if folder == "tests/e2e/image" else None
