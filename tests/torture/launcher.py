"""Runs a command and writes its exit code, time and peak memory as JSON to standard output.

A small process of its own: what whoever starts a program has in memory counts as the program's.
"""

import json
import os
import resource
import subprocess
import sys


def main() -> None:
    """`launcher.py '{"9": BYTES}' COMMAND...`, where 9 is a limit as `resource` numbers them."""
    limits = {int(kind): value for kind, value in json.loads(sys.argv[1]).items()}

    def limit() -> None:
        for kind, value in limits.items():
            resource.setrlimit(kind, (value, value))

    running = subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL, preexec_fn=limit)
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime
    print(json.dumps({"code": running.returncode, "cpu": cpu, "peak": usage.ru_maxrss}))  # noqa: T201


if __name__ == "__main__":
    main()
