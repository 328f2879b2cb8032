"""What the functions let CloudWatch count, by a line of their log in the embedded metric format: no call, no right."""

import os

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit

DEFAULT_NAMESPACE = "Taproom"


def record_drift(database: str, statements: int) -> None:
    """Print the metric ``AccessDrift``: how many statements would make a database what its document declares.

    Zero is printed too: an alarm then tells that nothing differs from that nobody looked. The namespace is
    POWERTOOLS_METRICS_NAMESPACE, and the dimensions are the database's name and, as ``service``,
    POWERTOOLS_SERVICE_NAME.
    """
    with single_metric(
        name="AccessDrift",
        unit=MetricUnit.Count,
        value=statements,
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", DEFAULT_NAMESPACE),
        default_dimensions={
            "service": os.environ.get("POWERTOOLS_SERVICE_NAME", "db_bootstrap"),
            "database": database,
        },
    ):
        pass  # printed when the block ends
