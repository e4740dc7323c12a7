"""Names that are given to images: as they are written for a layout, an archive, a registry."""

import re

from ocilayout import notices
from ocilayout.errors import UsageError
from ocilayout.spec.names import is_ref_name, reference_of
from ocilayout.spec.reference import Reference, in_lower_case, is_reference, is_tag

_DIGEST = r"[a-z0-9+._-]+:[A-Za-z0-9=_-]+"


def checked_name(text: str) -> str:
    """The name that a layout is to hold for `text`: a full name, or as it stands what is none.

    Raises UsageError.
    """
    name = stated_name(text)
    if is_ref_name(name) and not digest_behind(name) and not _is_slip(name):
        if _has_capitals(name):
            notices.note(
                f"{name!r} has capitals, so only a layout holds it: as an image name it is "
                f"{in_lower_case(name)}"
            )
        return _full_name(name)
    return checked_image_name(name)


def checked_image_name(text: str) -> str:
    """The same for Docker archives, engines and registries: a tag as it stands, or a full name."""
    name = stated_name(text)
    if "@" in name:
        raise UsageError(f"{text!r}: a digest is no part of a name that is given")
    if not is_tag(name) and reference_of(name) is None:
        held = is_ref_name(name) and not _is_slip(name)
        only = ", and only a layout holds such a name" if held else ""
        refuse_capitals(name, only)
        raise UsageError(f"{name!r} is neither a tag nor an image name{only}")
    return _full_name(name)


def _is_slip(name: str) -> bool:
    """Whether a name would be an image's but for capitals, as its tag or its registry shows.

    A path alone, as `Feature/UPPER`, may be what a layout calls an image.
    """
    host, slash, _ = name.partition("/")
    is_typical = ":" in name or (slash and "." in host)
    return bool(is_typical) and _has_capitals(name)


def _has_capitals(name: str) -> bool:
    """Whether it is no image name, and is one in lower case."""
    return not is_reference(name) and is_reference(in_lower_case(name))


def refuse_capitals(name: str, more: str = "") -> None:
    """Raises UsageError where only capitals keep a text from being an image name."""
    if _has_capitals(name):
        raise UsageError(
            f"{name!r} is not an image name, since it has capitals{more}: repositories are in "
            f"lower case: write {in_lower_case(name)}"
        )


def _full_name(name: str) -> str:
    reference = reference_of(name)
    if reference is None:
        return name
    note_capitals_of_host(reference, name)
    return str(reference)


def note_capitals_of_host(reference: Reference, text: str) -> None:
    """Say that docker takes `Team/app` for an image of the registry `Team`."""
    host = reference.domain
    if host.lower() != host and not set(".:") & set(host):
        notices.note(
            f"{host} in {text} is read as a registry, as docker does with capitals: in lower case "
            f"it is {in_lower_case(text)}"
        )


def stated_name(name: str) -> str:
    """Whatever a place may call an image: what is there is looked up, and never a path."""
    if not name:
        raise UsageError("the name is empty: write PATH:NAME, or PATH alone")
    return name


def digest_behind(text: str) -> str:
    """What looks like a digest at the end of a text, or nothing."""
    _, at, digest = text.rpartition("@")
    return digest if at and re.fullmatch(_DIGEST, digest, re.ASCII) else ""
