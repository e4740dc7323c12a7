"""What each engine takes: said of an image file before it travels, and made to fit.

`facts` is the one table, a row for each engine, and `cargo` what of a file matters to any of them.
`prediction` puts the two together: it asks the loader of the row, `dockerd`, `containerd`, `podman`
or `registry`, and each of these answers with what `questions` has for all. `fitting` makes what an
engine takes, `mending` names the command that does, and `arrival` chooses what is sent into an
engine that answers.
"""
