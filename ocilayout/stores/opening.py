"""How a place is opened for reading: it is recognized by what is in it."""

import io
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from ocilayout import notices
from ocilayout.errors import EngineFailed, InvalidArchive
from ocilayout.magic import codec_name
from ocilayout.protocols import Files, ImageSource, Store
from ocilayout.spec.platform import Platform
from ocilayout.spooling import (
    STANDARD_INPUT,
    Prepended,
    is_file,
    open_input,
    open_spool,
    standard_input,
)
from ocilayout.stores import kinds
from ocilayout.stores.file_names import INDEX, MANIFEST
from ocilayout.stores.places import Place, parse_source
from ocilayout.streams import CHUNK, FileSlice, copy_stream, naming, read_full
from ocilayout.tar_blocks import BLOCK
from ocilayout.tar_file import OnTwice, TarFile, refuse_twice, require_tar

if TYPE_CHECKING:
    from pathlib import Path

    from ocilayout.registries.registry import Registries
    from ocilayout.stores.engine_clients import Client


class Outer(NamedTuple):
    """How a tar is compressed outside."""

    codec: str = "none"
    window: int = 0
    """Bytes of the window of its zstd frame."""


class Opened(NamedTuple):
    """A place that is open for reading."""

    place: Place
    dialect: str
    source: ImageSource
    """With the one image that NAME or DIGEST picks, where one was given."""
    files: Files | None
    """None where it is a registry's."""
    outer: Outer
    top: str = ""
    """The directory of a tar in which the files of the image stand; no engine looks there."""


@contextmanager
def open_source(
    place: Place | str,
    *,
    scratch: "Path | None" = None,
    registries: "Registries | None" = None,
    follow_links: bool = False,
) -> Iterator[ImageSource]:
    """The images at a place.

    `scratch` is the folder for what cannot be read in place (standard input, archives that are
    compressed outside), `registries` the connections of a command that has any. Links of a folder
    to files outside it are read where `follow_links`, and refused otherwise. Raises PlaceNotFound,
    InvalidArchive, InvalidDocument, ImageNotFound, AmbiguousName, RegistryFailed.
    """
    with open_place(
        place, scratch=scratch, registries=registries, follow_links=follow_links
    ) as opened:
        yield opened.source


@contextmanager
def open_place(
    place: Place | str,
    *,
    scratch: "Path | None" = None,
    registries: "Registries | None" = None,
    follow_links: bool = False,
    all_of_name: bool = False,
) -> Iterator[Opened]:
    """The same as open_source, with what was found out about the place.

    NAME may lead to several images, all of which are taken, where `all_of_name`.
    """
    found = parse_source(place) if isinstance(place, str) else place
    if found.is_engine:
        from ocilayout.stores import engine

        with open_engine(engine.client_of(found), [found.name or ""], scratch=scratch) as opened:
            yield opened
        return
    if found.is_registry:
        from ocilayout.stores import registry

        with registry.open_source(found, registries) as image:
            yield Opened(found, "registry", image, None, Outer())
        return
    with ExitStack() as stack:
        files, outer = _open_files(found, scratch, stack, follow_links=follow_links)
        store, files, top = _recognized(found, files)
        whole = stack.enter_context(store.open_source(files))
        source = _picked(found, whole, files, all_of_name=all_of_name)
        yield Opened(found, _dialect(store, files, top), source, files, outer, top)


@contextmanager
def open_suspect(
    place: Place | str,
    *,
    scratch: "Path | None" = None,
    registries: "Registries | None" = None,
    follow_links: bool = False,
) -> Iterator[Opened]:
    """The same as open_place, to be verified: what is wrong inside is told by find_problems.

    Raises PlaceNotFound, and InvalidArchive where there is nothing that could be verified.
    """
    found = parse_source(place) if isinstance(place, str) else place
    if found.is_engine or found.is_registry:
        with open_place(found, scratch=scratch, registries=registries) as opened:
            yield opened
        return
    with ExitStack() as stack:
        files, outer = _open_files(
            found, scratch, stack, on_twice=_let_pass, follow_links=follow_links
        )
        store, files, top = _recognized(found, files)
        source = _picked(found, stack.enter_context(store.open_suspect(files)), files)
        yield Opened(found, _dialect(store, files, top), source, files, outer, top)


def _picked(
    place: Place, source: ImageSource, files: Files, *, all_of_name: bool = False
) -> ImageSource:
    """The image that the place names, or all."""
    if place.name is None and place.digest is None:
        return source
    # Most places are read whole, and start-up counts.
    from ocilayout import pick

    if place.name is not None:
        by_name = pick.all_by_name if all_of_name else pick.by_name
        source = by_name(source, place.name, files.label)
    if place.digest is not None:
        source = pick.by_digest(source, place.digest, files.label)
    return source


def _let_pass(label: str, name: str) -> None:
    """A member that is there twice is a finding of its own."""


@contextmanager
def open_engine(
    client: "Client",
    names: Sequence[str],
    *,
    platforms: Sequence[Platform] = (),
    scratch: "Path | None" = None,
) -> Iterator[Opened]:
    """Images that an engine saves, several in one archive; raises EngineFailed.

    They are spooled below `scratch`, as a client writes them from beginning to end.
    """
    # Programs are run by few commands, and what runs them takes its time to import.
    from ocilayout.stores.engine_pipes import saving

    place = Place(" ".join(names), None, None)
    with ExitStack() as stack:
        label = f"what {client.command[0]} saved"

        def spool(asked: Sequence[Platform]) -> tuple[Files, Outer]:
            with saving(client, names, asked) as content:
                return _spooled(content, label, None, scratch, stack)

        try:
            files, outer = spool(platforms)
        except EngineFailed:
            if client.kind != "containerd" or platforms:
                raise
            # It may hold no more of an image than its machine runs (containerd#10032).
            files, outer = spool([client.machine])
        store, files, _ = _recognized(place, files)
        source = stack.enter_context(store.open_source(files))
        yield Opened(place, store.dialect(files), source, files, outer)


def _open_files(
    place: Place,
    scratch: "Path | None",
    stack: ExitStack,
    *,
    on_twice: OnTwice = refuse_twice,
    follow_links: bool,
) -> tuple[Files, Outer]:
    if place.file is None:
        return _spooled(standard_input(), STANDARD_INPUT, None, scratch, stack, on_twice)
    if os.path.isdir(place.file):
        from ocilayout.linked_folders import LinkedFolderFiles

        folder = LinkedFolderFiles(place.file, follow_links=follow_links)
        return stack.enter_context(folder), Outer()
    label = place.file
    file = open_input(label, stack)
    if is_file(file):
        with naming(label):
            head = os.pread(file.fileno(), BLOCK, 0)
        if codec_name(head) == "none":
            rest = FileSlice(file.fileno(), len(head), os.fstat(file.fileno()).st_size, label)
            require_tar(head, cast(BinaryIO, rest), label, label)
            return TarFile(file, label, on_twice), Outer()
    return _spooled(file, label, place.file, scratch, stack, on_twice)


def _spooled(
    content: BinaryIO,
    label: str,
    path: str | None,
    scratch: "Path | None",
    stack: ExitStack,
    on_twice: OnTwice = refuse_twice,
) -> tuple[Files, Outer]:
    """A stream, of the file at `path` if it is one, as a tar that can be read at any place."""
    # Most archives are plain files, and start-up counts.
    from ocilayout.compression import CODECS, inflated

    spool = open_spool(label, scratch, stack)
    head = _first_bytes(content)
    codec = codec_name(head)
    whole = io.BufferedReader(Prepended(head, content), CHUNK)
    plain = inflated(cast(BinaryIO, whole), CODECS[codec], label)
    first = _first_bytes(plain)
    require_tar(first, plain, label, path, codec)
    spool.write(first)
    copy_stream(plain, spool)
    return TarFile(spool.file, label, on_twice), Outer(codec, _window(codec, head))


def _first_bytes(content: BinaryIO) -> bytes:
    """The first block, or all where there is less, however a pipe hands it on."""
    head = memoryview(bytearray(BLOCK))
    return bytes(head[: read_full(content, head)])


def _window(codec: str, head: bytes) -> int:
    if codec != "zstd":
        return 0
    from ocilayout.zstd_frames import window_of

    return window_of(head)


def _recognized(place: Place, files: Files) -> tuple[Store, Files, str]:
    """The store that reads a place, its files, and the directory of a tar that they stand in."""
    top = ""
    if not files.is_folder and INDEX not in files and MANIFEST not in files:
        # Few tars have it, and start-up counts.
        from ocilayout.stores.below_top import BelowTop, top_directory

        top = top_directory(files)
        if top:
            files = BelowTop(files, top)
            notices.note(
                f"{files.label}: the image stands in the directory {top}/ of the tar, where no "
                "engine looks: convert writes it without"
            )
    return _store_of(place, files), files, top


def _dialect(store: Store, files: Files, top: str) -> str:
    found = store.dialect(files)
    return f"{found}, in the directory {top}/" if top else found


def _store_of(place: Place, files: Files) -> Store:
    if place.transport is None:
        found = kinds.recognized(files)
        if found is None:
            from ocilayout.stores.unrecognized import tree_refusal

            raise tree_refusal(files, place.file)
        return found
    if place.transport not in (kinds.FOLDERS if files.is_folder else kinds.TARS):
        kind, readers = _READERS[files.is_folder]
        raise InvalidArchive(
            f"{files.label} is a {kind}, which {place.transport}: does not read: "
            f"write {readers}, or no transport at all"
        )
    return kinds.store(place.transport)


_READERS = {
    True: ("folder", "oci:, docker-archive: or dir:"),
    False: ("file", "oci-archive:, docker-archive: or dir:"),
}
