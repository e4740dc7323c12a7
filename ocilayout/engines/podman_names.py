"""What podman calls an image: short names become `localhost/…`, and some names end the load.

Sources: container-libs v0.50:common/libimage/normalize.go (NormalizeName) for all names, and
containers/image v5.23:docker/archive/reader.go (List) for RepoTags, which must have a tag.
"""

from ocilayout.engines.questions import Refusal
from ocilayout.errors import InvalidDocument
from ocilayout.spec.reference import Reference

_NORMALIZE = "containers/common v0.50:libimage/normalize.go; seen with podman 4.3.1"
_LIST = "containers/image v5.23:docker/archive/reader.go; seen with podman 4.3.1"
_STORAGE = "containers/image v5.23:storage/storage_transport.go; seen with podman 4.3.1"


def podman_name(text: str, digest: str = "") -> str:
    """The full name that `text` becomes; raises Refusal where it is no name.

    A name may pin a digest, if that is `digest`, that of the image's own manifest.
    """
    named, at, pinned = text.partition("@")
    if at and pinned != digest:
        raise Refusal(f"its name {text!r} pins another digest than the image has", _STORAGE)
    reference = _parsed(_with_registry(named), text, _NORMALIZE)
    return f"{str(reference).rpartition(':')[0]}@{pinned}" if at else str(reference)


def podman_tag(text: str) -> str:
    """The full name that one of RepoTags becomes; raises Refusal, which ends the load of all."""
    named, at, _ = text.partition("@")
    if at:
        raise Refusal(f"its name {text!r} has a digest, which ends the load of all", _LIST)
    full = str(_parsed(_with_registry(named), text, _LIST))
    if ":" not in named.rpartition("/")[2]:
        raise Refusal(
            f"its name {text!r} does not contain a tag, which ends the load of all", _LIST
        )
    return full


def _with_registry(text: str) -> str:
    head, slash, _ = text.partition("/")
    is_registry = slash and ("." in head or ":" in head or head == "localhost")
    return text if is_registry else f"localhost/{text}"


def _parsed(full: str, text: str, source: str) -> Reference:
    try:
        reference = Reference.parse(full)
    except InvalidDocument:
        hint = "" if text == text.lower() else " (repositories are written in lower case)"
        raise Refusal(f"its name {text!r} is no reference{hint}", source) from None
    if "[" in reference.domain:
        raise Refusal(f"its name {text!r} has an IPv6 address, and is no reference to it", source)
    return reference
