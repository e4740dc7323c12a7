"""What each engine takes: said of an image file before it travels, and made to fit.

`table` has a row for each engine, of `facts` that `rows` states, and `cargo` what of a file matters
to any of them. `prediction` puts the two together: it asks the loader of the row, `dockerd`,
`containerd`, `podman` or `registry`, and each of these answers with `outcomes`, and with what
`questions` has for all. `fitting` makes what an engine takes (`strictest`: what all versions of it
take), `fix` names the command that does, and `arrival` chooses what is sent into an engine that
answers.
"""
