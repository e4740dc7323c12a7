"""Sample images, written from nothing: programs, layers, configs and each tool's own packaging.

Nothing here uses the package that the samples test, and no byte depends on the machine,
the time or the version of a compressor.
"""
