"""What of a parameter group reaches the PostgreSQL server."""

import pytest

from localaws.rds.server import default_connections, refuses_plain_connections, server_settings


def test_postgresqls_own_parameters_reach_the_server() -> None:
    assert server_settings({"log_min_duration_statement": "500"}) == {"log_min_duration_statement": "500"}


@pytest.mark.parametrize(
    "parameters",
    [{"rds.force_ssl": "1"}, {"max_connections": "LEAST({DBInstanceClassMemory/9531392},5000)"}],
)
def test_what_only_rds_understands_is_left_out(parameters: dict[str, str]) -> None:
    assert server_settings(parameters) == {}


def test_only_libraries_that_the_server_has_are_preloaded() -> None:
    parameters = {"shared_preload_libraries": "pg_stat_statements, pg_cron"}
    assert server_settings(parameters) == {"shared_preload_libraries": "pg_stat_statements"}


@pytest.mark.aws("RDS-7")
@pytest.mark.parametrize(
    ("instance_class", "connections"),
    [("db.t4g.micro", 90), ("db.t4g.small", 180), ("db.m7g.large", 720), ("db.m7g.2xlarge", 2883)],
)
def test_max_connections_follow_from_the_class_as_rds_computes_them(instance_class: str, connections: int) -> None:
    assert default_connections(instance_class) == connections


def test_max_connections_end_at_5000() -> None:
    assert default_connections("db.m7g.16xlarge") == 5000


@pytest.mark.parametrize(
    ("parameters", "refused"), [({}, True), ({"rds.force_ssl": "1"}, True), ({"rds.force_ssl": "0"}, False)]
)
def test_plain_connections_are_refused_unless_the_group_lets_them_in(parameters: dict[str, str], refused: bool) -> None:
    assert refuses_plain_connections(parameters) is refused
