"""Registries over HTTP: who is asked, with which secret, and what may be believed."""
