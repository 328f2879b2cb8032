"""A page that shows what a running rehearsal consists of and what goes on in it.

It reads what the local AWS knows anyway, and changes nothing. What it shows is chosen field by field: values of
secrets, passwords and tokens have no way in.
"""
