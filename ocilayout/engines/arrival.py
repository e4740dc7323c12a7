"""What is sent into an engine that answers: what its machine runs, in the form that it takes."""

from collections.abc import Sequence

from ocilayout.engines.cargo import entries_of
from ocilayout.engines.facts import ENGINES, Engine
from ocilayout.errors import CannotHold, ImageNotFound
from ocilayout.protocols import ImageSource
from ocilayout.spec.platform import Platform
from ocilayout.stores.engine_clients import Client
from ocilayout.transforms.select import select

_RUNS_TOO = {
    "amd64": (Platform("linux", "386"),),
    "arm64": (Platform("linux", "arm", "v7"), Platform("linux", "arm", "v6")),
}
"""What a processor runs beside its own (containerd:platforms/compare.go)."""


def row_of(client: Client) -> Engine:
    """The row of the table for an engine that has told its version."""
    if client.kind != "docker":
        return ENGINES[client.kind]
    if client.has_containerd_store:
        return ENGINES["docker-29-containerd"]
    major = int("".join(_digits(client.version)) or 0)
    fitting = [name for first, name in _DOCKER if major >= first]
    return ENGINES[fitting[-1] if fitting else "docker-20.10"]


_DOCKER = ((0, "docker-20.10"), (23, "docker-23"), (25, "docker-25"), (29, "docker-29"))


def _digits(version: str) -> str:
    head = version.partition(".")[0]
    return head if head.isdigit() else ""


def for_machine(source: ImageSource, client: Client, asked: Sequence[Platform]) -> ImageSource:
    """The source with what the engine's machine runs, or the platforms that were asked for.

    An engine that holds one platform of an image gets that alone. Raises CannotHold where
    there is none.
    """
    if asked:
        return select(source, platforms=asked)
    found = [platform for entry in entries_of(source) for platform in entry.platforms]
    candidates = (client.machine, *_RUNS_TOO.get(client.machine.architecture, ()))
    fitting = next(
        (each for each in candidates if any(platform.fits(each) for platform in found)), None
    )
    if fitting is None and found:
        known = ", ".join(dict.fromkeys(map(str, found)))
        raise CannotHold(
            f"{client.title} runs {client.machine}, and this is for {known}: "
            f"--platform {found[0]} loads it all the same"
        )
    if fitting is None or row_of(client).platforms.value == "all":
        return source
    try:
        return select(source, platforms=[fitting])
    except ImageNotFound as error:
        raise CannotHold(str(error)) from None
