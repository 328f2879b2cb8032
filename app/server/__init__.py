"""gunicorn: its configuration, its worker, and the number of workers."""
