"""The Lambda handlers, one module a function."""
