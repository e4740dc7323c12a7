"""One file as an output: standard output, a pipe as it stands, or a file that appears whole."""

import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ocilayout import remains
from ocilayout.compression import CODECS, Codec, deflated
from ocilayout.errors import DestinationExists, UsageError
from ocilayout.partial import partial_file
from ocilayout.streams import FileWriter, Writable
from ocilayout.suffixes import LOOSE, SUFFIXES, other_suffix, tar_suffix

_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]{1,9})", re.ASCII)
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}


@dataclass
class Output:
    """A file that is being written."""

    content: Writable
    """Where its bytes are to be written."""
    finished: bool = False
    """Whether all of them were, so that it may appear."""


@contextmanager
def open_output(path: Path | None, codec: Codec, *, replace: bool) -> Iterator[Output]:
    """An output that is compressed with `codec`, and appears at `path` if it was finished.

    None is standard output; what is no regular file (a pipe, a terminal) is written to as it
    stands. Raises DestinationExists where `path` is there and may not be replaced, PlaceNotFound
    and OSError.
    """
    if path is None or is_stream(path):
        with _stream(path) as stream, deflated(stream, codec) as content:
            yield from _incomplete_if_ended(Output(content), path)
        return
    with partial_file(path, replace=replace) as (file, publish):
        with deflated(file, codec) as content:
            output = Output(content)
            yield output
        if output.finished:
            publish()


def _incomplete_if_ended(output: Output, path: Path | None) -> Iterator[Output]:
    """The output; what was written to a stream before its end cannot be taken back."""
    try:
        yield output
    except BaseException:
        remains.keep(f"what {path or 'standard output'} got is not complete")
        raise


@contextmanager
def _stream(path: Path | None) -> Iterator[FileWriter]:
    if path is None:
        yield FileWriter(1, "standard output")
    elif (descriptor := _descriptor(path)) is not None:
        yield FileWriter(descriptor, str(path))
    else:
        with path.open("wb", buffering=0) as stream:
            yield FileWriter(stream.fileno(), str(path))


def is_stream(path: Path) -> bool:
    """Whether `path` is a pipe, a terminal or open already, as /dev/stdout is.

    Raises DestinationExists for what takes no bytes.
    """
    if _descriptor(path) is not None:
        return True
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISREG(kind) or stat.S_ISDIR(kind):
        return False
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
        return True
    raise DestinationExists(f"{path} is a device or a socket, to which nothing is written")


def is_tar_name(path: Path) -> bool:
    """Whether the end of a name says that it is a tar."""
    return tar_suffix(path.name) is not None


def outer_codec(path: Path) -> Codec:
    """How a tar of that name is compressed outside; raises UsageError for other suffixes."""
    suffix = tar_suffix(path.name)
    if suffix is not None:
        return CODECS[SUFFIXES[suffix]]
    other = other_suffix(path.name)
    if other is not None and other[0] not in LOOSE:
        raise _not_written(path, other)
    return CODECS["none"]


def refuse_other_suffix(path: Path) -> None:
    """Raises UsageError where a name alone asks for a kind of file that is not written."""
    other = other_suffix(path.name)
    if other is not None and not is_stream(path):
        raise _not_written(path, other)


def _not_written(path: Path, other: tuple[str, str]) -> UsageError:
    suffix, advice = other
    return UsageError(f"{path}: {suffix} is no kind of tar that is written here: {advice}")


def _descriptor(path: Path) -> int | None:
    """The descriptor that a path is another name of, whatever it leads to.

    Where that is a file, to replace it would be to rename over /dev/stdout.
    """
    match = _DESCRIPTOR.fullmatch(str(path))
    return int(match[1]) if match else _STANDARD.get(str(path))
