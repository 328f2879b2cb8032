"""IAM: which permissions a call needs, and whether policies allow it."""
