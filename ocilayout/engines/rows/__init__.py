"""The rows of the table of engines, a module for each family."""
