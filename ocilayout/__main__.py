"""The command line: `ocilayout`, or `python -m ocilayout`."""

import sys

from ocilayout.commands import run


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
