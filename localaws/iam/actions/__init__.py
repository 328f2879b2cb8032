"""Which IAM actions and resources each API call needs."""
