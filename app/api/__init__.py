"""The HTTP API: operations, validation of their inputs, problem documents, the write token."""
