"""The command line. It is not in the functions' zip."""
