"""The error of all benchmarks."""


class BenchError(Exception):
    """A benchmark cannot run. The message names the remedy."""
