"""The credentials of rotated logins: passwords, secrets, verification and rotation."""
