"""A local AWS: moto's server in one process, extended where its emulation stops short.

What Terraform creates here comes to life: a function runs from its zip, a database is a PostgreSQL, a
service's tasks are processes, a load balancer's listener is a port. Each service extends one service of moto and
is installed by ``localaws``; all are handed a ``Context`` and hold their own state.

Refused here: listening on anything but loopback, real AWS credentials, answering for an operation that nobody
emulates (501, at once), and a second home for configuration besides ``Settings``.
"""
