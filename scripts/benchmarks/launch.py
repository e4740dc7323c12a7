"""Runs one program and prints what it cost: `launch.py OUTPUT PROGRAM [ARGUMENT...]`.

A process of its own and a small one, since Linux counts the memory of whoever starts a program as
the program's: the peak that wait4 tells is never below that of the parent.
"""

import json
import os
import sys
import time


def main() -> None:
    """Run the program, its output in the file OUTPUT, and print seconds and bytes as JSON."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [(os.POSIX_SPAWN_OPEN, 1, sys.argv[1], flags, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
    started = time.perf_counter()
    child = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - started
    cost = {
        "code": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024,
    }
    print(json.dumps(cost))


main()
