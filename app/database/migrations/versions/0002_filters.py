"""An index for each way to go through the catalogue, so that its last page costs what its first one does.

The order of ids is the primary key's. Building an index keeps writers waiting, a second or two for a million beers.
"""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE INDEX beers_abv ON beers.beers (abv, id)")
    op.execute("CREATE INDEX beers_style ON beers.beers (lower(style), id)")
    op.execute("CREATE INDEX beers_style_abv ON beers.beers (lower(style), abv, id)")
