"""What is measured, against whom, and how; docs/benchmarks.md has the results."""
