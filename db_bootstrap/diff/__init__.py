"""The difference between desired and actual access, and the statements that remove it.

Pure: nothing in here connects, reads the clock or the environment.
"""
