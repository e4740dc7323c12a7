"""Hostile inputs: what has gone wrong in tools like this one, each as a file that is built anew.

Nothing here imports the package: the inputs are made in plain Python, so that a reader and a
writer that are wrong in the same way are still found out.
"""
