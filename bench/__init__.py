"""Benchmarks against other tools and frameworks; docs/benchmarks.md has the results."""
