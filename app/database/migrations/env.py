"""Run the migrations in the connection and transaction of ``app.database.migrate``."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], version_table_schema=context.config.attributes["schema"]
)
context.run_migrations()
