"""Measures ocilayout beside its peers and beside the limit, with data of this machine's files."""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from scripts.benchmarks import conversions, growth, machine, report, verbs
from scripts.benchmarks.jobs import Job
from scripts.benchmarks.report import Measured
from scripts.benchmarks.running import RunFailed, measure
from scripts.benchmarks.workspace import Growth, Workspace

JOBS = {job.name: job for job in (*conversions.JOBS, *verbs.JOBS, *growth.JOBS)}
"""In the order in which they are run."""
_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no size as 500M or 5G")
    return int(match[1]) * _UNITS[match[2]]


def _amounts(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(","))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    add = parser.add_argument
    add("--list", action="store_true", help="list the jobs")
    add("--jobs", nargs="+", metavar="NAME", choices=list(JOBS), default=list(JOBS))
    add("--runs", type=int, default=5, metavar="N", help="of each contender (default: 5)")
    add("--work", type=Path, metavar="DIR", help="keep data here (default: a folder that goes)")
    add("--size", type=_size, default="500M", help="of the usual root file system")
    add("--large", type=_size, default="5G", help="of the large one")
    add("--images", type=_amounts, default="1,10,100,500,1000", metavar="N,...")
    add("--layers", type=_amounts, default="10,100,500,1000", metavar="N,...")
    add("--gib", type=_amounts, default="1,2,4,8,16", metavar="N,...")
    add("--json", type=Path, metavar="FILE", help="write every run here")
    add("--update", type=Path, metavar="PAGE", help="put the tables into a page")
    return parser


def _measured(
    names: Sequence[str], work: Workspace, runs: int
) -> tuple[list[Measured], dict[str, str]]:
    """What was measured, and why the rest was not: of an interrupted run the part that is done."""
    measured: list[Measured] = []
    skipped: dict[str, str] = {}
    for name in names:
        lacking = JOBS[name].lacking()
        if lacking:
            skipped[name] = f"there is no {', '.join(lacking)} here"
            continue
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            measured.append(_of(JOBS[name], work, runs))
        except RunFailed as error:
            skipped[name] = str(error)
        except KeyboardInterrupt:
            skipped[name] = "it was interrupted"
            break
    return measured, skipped


def _of(job: Job, work: Workspace, runs: int) -> Measured:
    plan = job.plan(work)
    return Measured(job, measure(plan.contenders, plan.inputs, runs))


def main() -> int:
    """Measure and print; 1 where a job was not done."""
    options = _parser().parse_args()
    if options.list:
        for job in JOBS.values():
            print(f"{job.name:20} {job.title}")
        return 0
    with ExitStack() as stack:
        folder = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        amounts = Growth(options.images, options.layers, options.gib)
        work = Workspace(folder.absolute(), options.size, options.large, amounts, stack)
        about = machine.described(folder)
        about["data"] = f"{options.size >> 20} MiB and {options.large >> 20} MiB of /usr"
        about["runs"] = f"{options.runs} of each, by turns; medians"
        load = machine.load()
        measured, skipped = _measured(options.jobs, work, options.runs)
        about["load"] = f"{load:.1f} before, {machine.load():.1f} after"
    tables = report.markdown(measured, skipped, about)
    print(tables)
    for miss in report.misses(measured):
        print(f"misses: {miss}", file=sys.stderr)
    if options.json is not None:
        options.json.write_text(json.dumps(report.fields(measured, skipped, about), indent=1))
    if options.update is not None:
        report.update(options.update, tables)
    return 1 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
