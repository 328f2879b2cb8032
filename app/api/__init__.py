"""The HTTP API: its operations, the types of what goes in and out, and the checks in between."""
