"""The command line. It is not part of the function's zip."""
