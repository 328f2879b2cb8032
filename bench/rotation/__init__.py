"""Failed requests during a rotation, by how the service gets its credential and how it rotates."""
