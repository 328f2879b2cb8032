"""API calls over HTTP: parsing, middleware, injected faults."""
