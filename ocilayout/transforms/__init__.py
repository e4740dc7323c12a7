"""Sources made from sources: a file for each idea, each a function that edits documents only."""
