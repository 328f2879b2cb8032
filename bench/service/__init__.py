"""The throughput of the service, compared with the same two operations on other frameworks."""

MARK = "CPU seconds by part: "
"""The start of the line in which a worker of ``bench.service.sections`` logs its CPU time."""
