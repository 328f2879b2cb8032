"""Effective access: who can do what in a database and why, evaluated over catalog values that were read once. Pure."""
