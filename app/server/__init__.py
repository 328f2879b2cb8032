"""Everything about gunicorn: its configuration, its worker, and how many workers fit."""
