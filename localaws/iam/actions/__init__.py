"""The IAM actions and resources that each API call needs: one module a service, chosen by ``required``.

Each function takes an operation, its parameters and the context, and returns the requests that the caller's policies
must allow. Pure: lookups are in the context.
"""
