"""Layers as a file system: flattened into a tree, written out, and made from a root file system."""
