"""CloudWatch metrics, as log lines in the embedded metric format, which need no API call and no permission."""

import os

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

DEFAULT_NAMESPACE = "Taproom"


def record_drift(database: str, statements: int) -> None:
    """Print the metric ``AccessDrift``: the number of statements that would make a database what its document declares.

    Zero is printed too, so that an alarm can distinguish no drift from no check. The namespace is
    POWERTOOLS_METRICS_NAMESPACE, and the dimensions are the database's name and, as ``service``,
    POWERTOOLS_SERVICE_NAME.
    """
    _count("AccessDrift", statements, database=database)


def record_overdue_rotations(count: int) -> None:
    """Print the metric ``OverdueRotations``: the number of secrets that were not rotated in time; zero too.

    The namespace and the dimension ``service`` are those of ``record_drift``.
    """
    _count("OverdueRotations", count)


def _count(name: str, value: int, **dimensions: str) -> None:
    with single_metric(
        name=name,
        unit=MetricUnit.Count,
        value=value,
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", DEFAULT_NAMESPACE),
        default_dimensions={"service": os.environ.get("POWERTOOLS_SERVICE_NAME", "db_bootstrap"), **dimensions},
    ):
        pass  # printed when the block ends
