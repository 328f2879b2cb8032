"""Elastic Load Balancing: listeners that really serve."""
