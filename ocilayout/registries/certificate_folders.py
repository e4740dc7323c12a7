"""The folders `certs.d/HOST:PORT/` in which docker and podman look for certificates.

`*.crt` are authorities, `NAME.cert` with `NAME.key` is what the client shows. The first folder
that exists is the only one that counts. Source: containers/image, docker/docker_client.go and
pkg/tlsclientconfig.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from ocilayout import notices
from ocilayout.errors import InvalidDocument
from ocilayout.registries.small_files import home
from ocilayout.registries.trust import KeyPair


def certificate_roots() -> tuple[Path, ...]:
    """The folders that hold a folder for each registry, what counts first in front."""
    user = home()
    return (
        *((user / ".config/containers/certs.d",) if user else ()),
        Path("/etc/containers/certs.d"),
        Path("/etc/docker/certs.d"),
    )


def folder_for(host: str, roots: Sequence[Path]) -> Path | None:
    """The folder of that registry. `host` has passed is_domain, so it leads nowhere else."""
    return next((root / host for root in roots if os.path.isdir(root / host)), None)


def certificates_in(folder: Path) -> tuple[tuple[Path, ...], tuple[KeyPair, ...]]:
    """The authorities in a folder, and the pairs; raises InvalidDocument for half a pair."""
    try:
        paths = sorted(folder.iterdir())
    except PermissionError:
        notices.warn(f"{folder} may not be read: its certificates are not used")
        return (), ()
    return (
        tuple(path for path in paths if path.suffix == ".crt" and _is_there(path)),
        tuple(
            _pair(path.with_suffix(".cert"), path.with_suffix(".key"))
            for path in paths
            if path.suffix == ".cert"
            or (path.suffix == ".key" and path.with_suffix(".cert") not in paths)
        ),
    )


def _is_there(path: Path) -> bool:
    # Red Hat's packages leave links to a file that is often not installed.
    if path.exists():
        return True
    notices.warn(f"{path} leads to no file: it is not used")
    return False


def _pair(certificate: Path, key: Path) -> KeyPair:
    for here, other in ((certificate, key), (key, certificate)):
        if not other.exists():
            raise InvalidDocument(
                f"{here} needs {other.name} beside it (the certificate of an authority is "
                "named *.crt)"
            )
    return KeyPair(certificate, key)
