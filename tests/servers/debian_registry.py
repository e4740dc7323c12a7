"""docker's registry, as Debian packages it (2.8): the real thing, on a free loopback port."""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.engines import engine_folder, running_daemon
from tests.real.tools import ToolFailed, require
from tests.servers.certificates import Authority

USER, PASSWORD = "ann", "secret"
_HTPASSWD = f"{USER}:$2y$05$1ZwHLzYH7MFrEKnyUybhS.xU66QAaCCOltI7mdeB/60SSPVHVAQnC\n"


@dataclass(frozen=True)
class DebianRegistry:
    """A registry that runs; tests that share it take a repository each."""

    host: str
    """`127.0.0.1:PORT`."""
    folder: Path
    """What it stores, and its log."""

    @property
    def trust(self) -> Path:
        """A folder with the `ca.crt` that vouches for it, where it speaks TLS."""
        return self.folder / "trust"

    def repository(self) -> str:
        """`HOST/NAME` of a repository that nobody used."""
        return f"{self.host}/tests/{uuid.uuid4().hex}"


@contextmanager
def running_debian_registry(
    *, password: bool = False, authority: Authority | None = None
) -> Iterator[DebianRegistry]:
    """An empty registry until the block is left; with TLS where there is an authority.

    With a password it lets in USER with PASSWORD alone.
    """
    command = require("docker-registry")
    with engine_folder() as folder:
        settings = folder / "config.yml"
        # JSON is YAML.
        settings.write_text(json.dumps(_settings(folder, password, authority)))
        log = folder / "log"
        with running_daemon([command, "serve", str(settings)], folder, lambda: _address(log)):
            yield DebianRegistry(_address(log), folder)


def _settings(folder: Path, password: bool, authority: Authority | None) -> dict[str, object]:
    # The system chooses a free port, which the log tells.
    http: dict[str, object] = {"addr": "127.0.0.1:0", "secret": "of tests"}
    settings: dict[str, object] = {
        "version": "0.1",
        "log": {"accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "storage")},
            "delete": {"enabled": True},
            "maintenance": {"uploadpurging": {"enabled": False}},
        },
        "http": http,
    }
    if password:
        path = folder / "htpasswd"
        path.write_text(_HTPASSWD)
        settings["auth"] = {"htpasswd": {"realm": "tests", "path": str(path)}}
    if authority is not None:
        trust = folder / "trust"
        trust.mkdir()
        authority.ca_file(trust)
        certificate, key = authority.server_files(folder)
        http["tls"] = {"certificate": str(certificate), "key": str(key)}
    return settings


def _address(log: Path) -> str:
    match = re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text(errors="replace"))
    if match is None:
        raise ToolFailed(1, "docker-registry", "", "it does not listen yet")
    return match[1]
