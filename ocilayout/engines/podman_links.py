"""Which links in a Docker archive podman follows.

It reads a hard link as an empty file, and takes a layer that is a symbolic link for one of no
bytes, unless it has that layer already (containers/image v5.23:docker/internal/tarfile/src.go).
"""

from collections.abc import Mapping, Sequence

from ocilayout.engines.questions import Refusal
from ocilayout.engines.saved_links import Linked
from ocilayout.engines.saved_list import SavedItem
from ocilayout.stores.file_names import MANIFEST

_SOURCE = "containers/image v5.23:docker/internal/tarfile; seen with podman 4.3.1"


def check_manifest_link(links: Mapping[str, Linked]) -> None:
    """Raises Refusal where manifest.json is a hard link."""
    _check_hard(MANIFEST, links)


def check_links(item: SavedItem, before: Sequence[SavedItem], links: Mapping[str, Linked]) -> None:
    """Raises Refusal where podman does not read the config or a layer of an image.

    `before` has the images that are loaded before it.
    """
    _check_hard(item.config, links)
    known = {name for each in before for name in each.layers}
    for layer in item.layers:
        _check_hard(layer, links)
        if layer in links and links[layer].target not in known:
            raise Refusal(f"its layer {layer} is a link, which it does not follow", _SOURCE)
        known.add(layer)


def _check_hard(name: str, links: Mapping[str, Linked]) -> None:
    if name in links and links[name].kind == "hardlink":
        raise Refusal(f"{name} is a hard link, which it reads as an empty file", _SOURCE)
