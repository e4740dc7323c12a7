"""What each engine takes: said of an image file before it travels, and made to fit.

`facts` is the table, `cargo` what of a file matters to an engine, `prediction` puts the two
together, `mending` makes what an engine takes.
"""
