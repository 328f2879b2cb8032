"""A page that shows what a running rehearsal consists of and what happens in it.

The local AWS installs it like one of its services (``--install``). It knows this project, which the local AWS does not:
Terraform's states and the access document. It reads and changes nothing. Each field that it shows is listed by name, so
that secrets, passwords and tokens cannot appear. To do without the page, remove this folder.
"""
