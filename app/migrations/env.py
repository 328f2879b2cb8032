"""How Alembic runs the migrations here: within the connection and the transaction that ``app.migrate`` gives it."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table_schema=context.config.attributes["schema"],
)
context.run_migrations()
