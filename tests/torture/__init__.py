"""What the program promises, tried at every point where it could break: `scripts/torture`."""
