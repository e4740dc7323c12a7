"""The platforms of a flat index as one image.

crane and others write layouts whose platforms stand side by side, without a name or all under
one. Engines would take each for an image of its own (containerd the last, skopeo none).
"""

from ocilayout import notices
from ocilayout.protocols import ImageSource
from ocilayout.referrers import images_listed
from ocilayout.spec.digest import Digest
from ocilayout.spec.names import names_of
from ocilayout.transforms.merge import merge
from ocilayout.transforms.rename import rename


def as_one_image(source: ImageSource) -> ImageSource:
    """One index of all images that a source lists, under the names that they share.

    Where it lists one image it is as it was. Raises PlatformConflict where two are for one
    platform, CannotHold where one is for none.
    """
    images = {image.digest for image in images_listed(source)}
    if len(images) < 2:
        return source
    named: dict[Digest, set[str]] = {}
    for entry in source.index.children:
        if entry.digest in images:
            named.setdefault(entry.digest, set()).update(names_of(entry))
    shared = set.intersection(*filter(None, named.values())) if any(named.values()) else set()
    if not shared and any(named.values()):
        known = sorted(set.union(*named.values()))
        notices.warn(f"{notices.some_of(known)} are no names of all images that became one")
    one = merge([source], sorted(shared), labels=["the index"])
    return one if shared else rename(one, [])
