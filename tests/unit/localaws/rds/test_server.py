"""The parameters of a group that reach the PostgreSQL server."""

import pytest

from localaws.rds.server import server_settings


@pytest.mark.parametrize(
    ("parameters", "settings"),
    [
        ({"log_min_duration_statement": "500"}, {"log_min_duration_statement": "500"}),
        ({"rds.force_ssl": "1", "max_connections": "LEAST({DBInstanceClassMemory/9531392},5000)"}, {}),
        (
            {"shared_preload_libraries": "pg_stat_statements, pg_cron"},
            {"shared_preload_libraries": "pg_stat_statements"},
        ),
    ],
)
def test_only_parameters_and_libraries_that_postgresql_knows_reach_the_server(
    parameters: dict[str, str], settings: dict[str, str]
) -> None:
    assert server_settings(parameters) == settings
