"""What the verbs share: options, the error border, progress, and how things are printed."""
