"""What of a parameter group reaches the PostgreSQL server."""

import pytest

from localaws.rds.server import refuses_plain_connections, server_settings


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


@pytest.mark.parametrize(
    ("parameters", "refused"), [({}, True), ({"rds.force_ssl": "1"}, True), ({"rds.force_ssl": "0"}, False)]
)
def test_plain_connections_are_refused_unless_the_group_lets_them_in(parameters: dict[str, str], refused: bool) -> None:
    assert refuses_plain_connections(parameters) is refused
