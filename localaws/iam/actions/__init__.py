"""Which IAM actions and resources each API call needs: one module a service, ``required`` chooses among them.

Each function takes an operation, its parameters and the context, and returns the requests that the caller's policies
must allow. Pure: lookups are in the context.
"""
