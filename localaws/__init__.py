"""A local AWS: moto's server in one process, extended where its emulation stops short.

What is created here really runs: functions run from their zip, database instances are PostgreSQL servers, tasks are
processes, and listeners are ports. Each sub-package extends one service of moto; ``server`` installs it with a
``Context``, and it keeps its own state.

Not allowed here: listening on anything but loopback, real AWS credentials, answering for an operation that is not
emulated (501 instead), and configuration outside of ``Settings``.
"""
