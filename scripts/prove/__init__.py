"""Prove a deployment: assertions that run unchanged against a rehearsal and against an AWS account; `make prove`."""
