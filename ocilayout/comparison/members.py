"""The images of a source by platform, and which image of another source each is compared with."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ocilayout.graph import is_document, manifests_below, read_config, read_manifest
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_referrer, subject_of_entry
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.platform import Platform


@dataclass(frozen=True)
class Member:
    """An image of one platform; or an artifact, which has none."""

    descriptor: Descriptor
    platform: Platform | None
    manifest: Manifest | None
    """None where it is not here."""
    config: ImageConfig | None
    referrers: int
    """How many attestations and other referrers speak of it."""

    @property
    def image_id(self) -> Digest | None:
        """The digest of its config; None where that does not list all layers, as of artifacts."""
        if self.manifest is None or self.config is None or self.manifest.config is None:
            return None
        is_whole = len(self.config.diff_ids) == len(self.manifest.layers)
        return self.manifest.config.digest if is_whole else None


def members_of(
    source: ImageSource, top: Descriptor, platforms: Sequence[Platform] = ()
) -> list[Member]:
    """What `top` leads to, of some platforms if these are given, without what speaks of it."""
    spoken_of = _spoken_of(source, top)
    members = [
        _member(source, descriptor, spoken_of[descriptor.digest])
        for descriptor in manifests_below(source, [top])
        if is_document(descriptor)
        and (descriptor.digest == top.digest or not is_referrer(source, descriptor))
    ]
    return [member for member in members if not platforms or _is_any(member, platforms)]


def paired(
    before: Sequence[Member], after: Sequence[Member]
) -> Iterator[tuple[Member | None, Member | None]]:
    """Members of one platform; of those left, members whose system's version alone differs.

    Windows images get another version with each update.
    """
    partners: dict[int, Member] = {}
    left = list(after)
    for key in (_platform, _platform_of_any_version):
        waiting: dict[object, deque[Member]] = {}
        for other in left:
            waiting.setdefault(key(other), deque()).append(other)
        for position, member in enumerate(before):
            if position not in partners and waiting.get(key(member)):
                partners[position] = waiting[key(member)].popleft()
        taken = {id(partner) for partner in partners.values()}
        left = [other for other in left if id(other) not in taken]
    for position, member in enumerate(before):
        yield member, partners.get(position)
    for other in left:
        yield None, other


def _spoken_of(source: ImageSource, top: Descriptor) -> Counter[Digest | None]:
    """How many entries, of the image's index or beside it, speak of each image."""
    entries = (*manifests_below(source, [top]), *source.index.children)
    once = {entry.digest: entry for entry in entries}
    return Counter(subject_of_entry(source, entry) for entry in once.values())


def _member(source: ImageSource, descriptor: Descriptor, referrers: int) -> Member:
    if descriptor.digest in source.absent:
        return Member(descriptor, descriptor.platform, None, None, referrers)
    manifest = read_manifest(source, descriptor)
    has_config = manifest.config is not None and manifest.config.digest not in source.absent
    config = read_config(source, manifest) if has_config else None
    platform = descriptor.platform or (config.platform if config else None)
    return Member(descriptor, platform, manifest, config, referrers)


def _is_any(member: Member, platforms: Sequence[Platform]) -> bool:
    found = member.platform
    return found is not None and any(found.fits(wanted) for wanted in platforms)


def _platform(member: Member) -> Platform | None:
    return member.platform and member.platform.normalized


def _platform_of_any_version(member: Member) -> tuple[str, str, str] | None:
    if member.platform is None:
        return None
    normal = member.platform.normalized
    return normal.os, normal.architecture, normal.variant
