"""Requests that fail while a credential rotates, by how the service gets it and how it is rotated."""
