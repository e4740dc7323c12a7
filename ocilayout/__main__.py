"""The command line: `ocilayout`, or `python -m ocilayout`."""

import gc
import sys


def main() -> None:
    """Run the command line and exit with its code."""
    # Modules are many objects and no garbage: by the default of 700 new objects Python would look
    # through them dozens of times while they are imported.
    gc.set_threshold(50_000, 10, 10)
    from ocilayout.commands import run

    code = run(sys.argv[1:])
    # It would look through them twice more on its way out.
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
