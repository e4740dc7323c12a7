"""What a person should know although nothing failed: the one way to say it.

The library logs to the logger `ocilayout`; the command line prints what is logged to standard
error. `logging` is imported at the first word, since most runs have nothing to say.
"""


def warn(message: str) -> None:
    """Say that something was kept, dropped or read in a way that may surprise."""
    import logging

    logging.getLogger("ocilayout").warning("%s", message)


def note(message: str) -> None:
    """Say what was decided where there was a choice."""
    import logging

    logging.getLogger("ocilayout").info("%s", message)
