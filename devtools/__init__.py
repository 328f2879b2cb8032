"""Tools that need no AWS: PostgreSQL servers, certificates, images, processes, ports, and the service alone."""
