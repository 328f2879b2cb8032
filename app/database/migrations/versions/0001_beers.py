"""The table of beers."""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE beers.beers (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL
                CONSTRAINT beers_name_is_text CHECK (char_length(name) BETWEEN 1 AND 100 AND name = btrim(name)),
            style text NOT NULL
                CONSTRAINT beers_style_is_text CHECK (char_length(style) BETWEEN 1 AND 50 AND style = btrim(style)),
            brewery text
                CONSTRAINT beers_brewery_is_text
                CHECK (char_length(brewery) BETWEEN 1 AND 100 AND brewery = btrim(brewery)),
            abv numeric(5, 2) NOT NULL
                CONSTRAINT beers_abv_is_percent CHECK (abv BETWEEN 0 AND 100),
            created_at timestamptz NOT NULL DEFAULT now()
        )
    """)
    op.execute("CREATE UNIQUE INDEX beers_name_key ON beers.beers (lower(name))")
