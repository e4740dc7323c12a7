"""Registries: who is spoken to, with which secret, and with which trust."""
