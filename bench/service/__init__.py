"""The throughput of the service, compared with the same two operations on other frameworks."""
