"""Runs the command line in forks of an interpreter that has it loaded: a tenth of a start.

A request is a line of JSON on standard input, the answer one on standard output.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import runpy
import signal
import sys
import time
import traceback
from typing import Any

# What no reading of an image may ever do: reach out, or start something.
FORBIDDEN = ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.exec", "os.system")


def load() -> None:
    import ocilayout

    for module in pkgutil.walk_packages(ocilayout.__path__, "ocilayout."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for late in ("isal.igzip_lib", "isal.igzip_threaded", "logging", "tarfile", "zstandard"):
        importlib.import_module(late)
    gc.freeze()


def serve() -> None:
    load()
    for line in sys.stdin:
        request = json.loads(line)
        began = time.monotonic()
        child = os.fork()
        if not child:
            become(request)
            return
        _, status, usage = os.wait4(child, 0)
        answer = {
            "code": os.waitstatus_to_exitcode(status),
            "seconds": time.monotonic() - began,
            # Kilobytes, but on macOS bytes.
            "memory": usage.ru_maxrss // (1 << 20 if sys.platform == "darwin" else 1 << 10),
        }
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def become(request: dict[str, Any]) -> None:
    """Turn this fork into the program; an alarm kills it, wherever it may hang."""
    signal.alarm(request["seconds"])
    os.chdir(request["folder"])
    for number, name in enumerate((request["stdin"], "stdout", "stderr")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        descriptor = os.open(name, flags)
        os.dup2(descriptor, number)
        os.close(descriptor)
    if request["real_process"]:
        program = [sys.executable, "-m", "ocilayout", *request["arguments"]]
        os.execv(sys.executable, program)
    sys.stdin, sys.stdout, sys.stderr = (
        open(number, "r" if number == 0 else "w", closefd=False) for number in range(3)
    )
    watch(request["canary"])
    # Nobody pulls the plug here, and it costs more than all else.
    os.fsync = lambda fd: None
    sys.argv = ["ocilayout", *request["arguments"]]
    code = 1
    try:
        runpy.run_module("ocilayout", run_name="__main__", alter_sys=True)
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
    except BaseException:
        traceback.print_exc()
    # Taking the interpreter apart would copy all its memory, at ten times the cost of the rest.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def watch(canary: str) -> None:
    """Write down what is opened outside, or done that may never be done."""
    log = os.open("forbidden", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        opened = event == "open" and canary in os.path.abspath(os.fsdecode(str(arguments[0])))
        if opened or event in FORBIDDEN:
            os.write(log, f"{event} {arguments!r}\n".encode(errors="replace"))

    sys.addaudithook(hook)


if __name__ == "__main__":
    serve()
