"""Why nothing could be measured."""


class BenchError(Exception):
    """The message says what to do."""
