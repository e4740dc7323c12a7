"""What the OCI and Docker documents say, as values: no input and no output here."""
