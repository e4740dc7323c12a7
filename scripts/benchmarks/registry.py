"""docker's own registry on loopback, whose content goes before each push."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = "docker-registry"
_START = 10
"""Seconds until it must answer."""


@dataclass(frozen=True)
class Registry:
    """A registry that runs."""

    address: str
    content: Path

    def empty(self) -> None:
        """Forget all images."""
        shutil.rmtree(self.content, ignore_errors=True)


@contextmanager
def served(folder: Path) -> Iterator[Registry]:
    """A registry below `folder`, for as long as the context is entered."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    content = folder / "content"
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "config.yml"
    configuration.write_text(
        "version: 0.1\n"
        "log: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {content}}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    server = subprocess.Popen(
        [PROGRAM, "serve", str(configuration)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
    )
    try:
        _wait_for(port)
        yield Registry(f"127.0.0.1:{port}", content)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
        shutil.rmtree(folder)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
