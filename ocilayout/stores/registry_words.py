"""Words that name something in a registry, where a file could be meant: `push` and `pull`.

`docker://` in front says that a registry is meant; without it what looks like a file is taken for
a mistake, since the network would be asked for an image of that name.
"""

import os
from collections.abc import Sequence

from ocilayout import notices
from ocilayout.errors import UsageError
from ocilayout.spec.reference import DEFAULT_DOMAIN, Reference, is_reference
from ocilayout.stores.places import (
    ENGINE_TRANSPORTS,
    FILE_TRANSPORTS,
    FOREIGN_TRANSPORTS,
    Place,
    is_archive_name,
    registry_place,
)

_SCHEME = "docker://"
_PATHS = ("./", "../", "/", "~")
_URLS = ("http", "https")
"""What is no transport but a slip of its own, which registry_place tells."""


def place_in_registry(text: str) -> Place:
    """The image or repository that a word of `push` or `pull` names.

    Raises UsageError for what looks like a file; a note says where a file has the same name.
    """
    _refuse_file(text)
    place = registry_place(text.removeprefix(_SCHEME), text)
    _note_file(text, str(place.reference))
    return place


def prefix_in_registry(text: str) -> Place:
    """The place `PREFIX/names`, where a word of `push` is a prefix with a slash at its end.

    Raises UsageError as place_in_registry does.
    """
    _refuse_file(text)
    place = registry_place(f"{text.removeprefix(_SCHEME)}names", text)
    reference = place.reference
    _note_file(text, f"{reference.domain}/{reference.path.removesuffix('names')}")
    return place


def _refuse_file(text: str) -> None:
    what = what_it_looks_like(text)
    if what is None:
        return
    settled = ""
    if is_reference(text):
        settled = f" (an image of that name is {_SCHEME}{Reference.parse(text)})"
    raise UsageError(
        f"{text} is {what}, not an image in a registry: convert reads and writes files{settled}"
    )


def _note_file(text: str, meaning: str) -> None:
    if not text.startswith(_SCHEME) and os.path.lexists(text):
        notices.note(
            f"{text} is taken for {meaning}, and not for the file of that name: {_SCHEME}{text} "
            "says so"
        )


def what_it_looks_like(text: str) -> str | None:
    """What a word is, if it is a place that is no registry's; None where it may be one."""
    transport, colon, _ = text.partition(":")
    if text.startswith(_SCHEME):
        return None
    if text in {".", "..", "-"} or text.startswith(_PATHS):
        return "a path"
    known = FILE_TRANSPORTS + ENGINE_TRANSPORTS + FOREIGN_TRANSPORTS
    if colon and transport in known and transport not in _URLS:
        return f"a place of the transport {transport}:"
    if is_archive_name(text):
        return "the name of an archive"
    return None


def refuse_swapped(verb: str, images: str, files: str) -> None:
    """Raises UsageError where `verb` got an image's name and a file in the wrong order.

    `images` is what stands where a registry is wanted, `files` where a file is.
    """
    if images.startswith(_SCHEME) or os.path.lexists(files):
        return
    is_sure = what_it_looks_like(images) is not None
    if _is_image(files, with_host=not is_sure) and (is_sure or os.path.lexists(images)):
        raise UsageError(
            f"{images} is a place for files, and stands where {verb} wants an image in a registry: "
            f"to push it write ocilayout push {images} {files}, to fetch into it ocilayout pull "
            f"{files} {images}"
        )


def refuse_files(words: Sequence[str]) -> None:
    """Raises UsageError where a word of `save` looks like a file."""
    for word in words:
        what = what_it_looks_like(word)
        if what is not None and not word.startswith(tuple(f"{t}:" for t in ENGINE_TRANSPORTS)):
            raise UsageError(
                f"{word} is {what}, not an image in an engine: the destination comes last, as in "
                f"ocilayout save NAME {word}"
            )


def _is_image(text: str, *, with_host: bool) -> bool:
    """Whether a word is an image's name, by more than its letters: it may be that of a new file."""
    name = text.removeprefix(_SCHEME).rstrip("/")
    if not is_reference(name) or what_it_looks_like(text) is not None:
        return False
    if text.startswith(_SCHEME):
        return True
    has_host = Reference.parse(name).domain != DEFAULT_DOMAIN
    return has_host if with_host else not {"/", ":"}.isdisjoint(name)
