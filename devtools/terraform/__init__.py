"""Terraform for rehearsals and tests: the program on the PATH, or else the same Terraform as a library.

`docs/decisions/2026-11-28-smaller-decisions.md` has the reasons.
"""
