"""The service's image, with or without a container engine."""
