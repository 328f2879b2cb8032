"""Events and settings of the read-only function."""

import pytest

from db_bootstrap.errors import ConfigurationError, EventError
from db_bootstrap.lambdas.plan import PlanEvent
from db_bootstrap.settings import Settings


@pytest.mark.parametrize(
    ("event", "message"),
    [
        pytest.param({"action": "apply", "document": {}}, "This function cannot apply", id="an apply"),
        pytest.param({"action": "plan"}, "must have the keys action and document", id="no document"),
        pytest.param([], "and has list", id="no object"),
        pytest.param({"action": ["plan"], "document": {}}, "must be 'plan' or 'verify'", id="no word"),
    ],
)
def test_an_event_that_is_wrong_is_refused(event: object, message: str) -> None:
    with pytest.raises(EventError, match=message):
        PlanEvent.parse(event)


def test_an_environment_that_lacks_something_is_named() -> None:
    with pytest.raises(ConfigurationError, match="lacks DATABASE_PORT, MASTER_SECRET_ARN; set them in Terraform"):
        Settings.from_environment({"DATABASE_HOST": "db.example", "DATABASE_NAME": "beers", "DATABASE_PORT": ""})


def test_a_port_that_is_no_number_is_refused() -> None:
    environment = {"DATABASE_HOST": "db.example", "DATABASE_NAME": "beers", "MASTER_SECRET_ARN": "arn"}
    with pytest.raises(ConfigurationError, match="DATABASE_PORT is 'http'; give a number"):
        Settings.from_environment({**environment, "DATABASE_PORT": "http"})
