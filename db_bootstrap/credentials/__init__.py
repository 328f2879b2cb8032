"""Passwords, secrets, and the rotation of logins."""
