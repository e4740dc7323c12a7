"""Try the promises of docs/reliability.md, whole; see CONTRIBUTING.md."""

import argparse
import logging
import os
import sys
import time
from pathlib import Path

from tests.torture import tracing
from tests.torture.parts import PARTS, Effort

_TRACED = {"order", "kill", "faults"}


def main() -> int:
    """A line a part; 1 where a promise did not hold."""
    parser = argparse.ArgumentParser(prog="scripts/torture", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {' '.join(PARTS)}")
    parser.add_argument("--step", type=int, default=1, help="try every how manieth point")
    parser.add_argument("--rounds", type=int, default=500, help="of gc against writers")
    parser.add_argument("--gigabytes", type=float, default=10, help="in the largest layer")
    parser.add_argument("--examples", type=int, default=20_000, help="inputs a parser")
    parser.add_argument("--seconds", type=int, default=30, help="a parser, by atheris")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="at a time")
    parser.add_argument("--corpus", type=Path, help="image files for the part engines")
    options = vars(parser.parse_args())
    parts = options.pop("parts") or list(PARTS)
    if unknown := set(parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    logging.getLogger("ocilayout").addHandler(logging.NullHandler())
    return max([_run(part, Effort(**options)) for part in parts])


def _run(part: str, effort: Effort) -> int:
    if part in _TRACED and not tracing.works():
        sys.stdout.write(f"{part:8} failed: strace is not installed, or not allowed here\n")
        return 1
    started = time.monotonic()
    outcome = PARTS[part](effort)
    took = f"{time.monotonic() - started:.0f} s"
    held = "failed" if outcome.problems else "held"
    sys.stdout.write(f"{part:8} {held}: {outcome.promises}: {outcome.said} ({took})\n")
    for problem in outcome.problems:
        sys.stdout.write(f"         {problem}\n")
    sys.stdout.flush()
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
