"""Corrections of one image, weighed before anything is done: what they are for, and what is odd."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ocilayout import notices, pick
from ocilayout.errors import AmbiguousName, CannotHold, ImageNotFound, UsageError
from ocilayout.graph import is_document, manifests_below, platform_of, read_config, read_manifest
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_listed_referrer
from ocilayout.spec import annotation, media_types, names
from ocilayout.spec.annotation import AnnotationEdit
from ocilayout.spec.compatible import absence
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Document
from ocilayout.spec.machines import is_known
from ocilayout.spec.platform import Platform
from ocilayout.transforms.corrections import Corrections, PlatformEdit


@dataclass(frozen=True)
class Plan:
    """What is to be done, which was found to be possible."""

    source: ImageSource
    top: Descriptor
    images: Sequence[tuple[Descriptor, Platform | None]]
    """The entries of all images below it, or of the one that was picked by its digest, and their
    platforms: one manifest can be listed for several."""
    corrections: Corrections
    platforms: Sequence[Platform]
    """Which of the images are meant, where nothing else is said; all without any."""

    @classmethod
    def of(
        cls,
        source: ImageSource,
        target: pick.Target,
        corrections: Corrections,
        platforms: Sequence[Platform],
    ) -> "Plan":
        top = target.entry
        if not is_document(top):
            raise CannotHold(
                f"{top.digest} has no manifest, as images of a Docker archive without an OCI half: "
                "convert makes one"
            )
        plan = cls(source, top, _images(source, target), corrections, platforms)
        for wanted in [*platforms, *(e.platform for e in corrections.annotations if e.platform)]:
            plan.check_presence(wanted)
        _check_annotations(plan)
        if corrections.platform is not None:
            _check_platform(plan, corrections.platform)
        return plan

    @property
    def meant(self) -> list[tuple[Descriptor, Platform | None]]:
        """The images that a change is for, unless it names its own."""
        return [(entry, platform) for entry, platform in self.images if self._is_meant(platform)]

    @cached_property
    def platforms_of(self) -> Mapping[Digest, list[Platform | None]]:
        """The platforms that each manifest is listed for, by its digest."""
        platforms: dict[Digest, list[Platform | None]] = {}
        for entry, platform in self.images:
            platforms.setdefault(entry.digest, []).append(platform)
        return platforms

    def check_presence(self, wanted: Platform) -> None:
        """Raises ImageNotFound where no image is of that platform."""
        if not any(found is not None and found.fits(wanted) for _, found in self.images):
            raise ImageNotFound(absence(wanted, filter(None, (each for _, each in self.images))))

    def described(self, old: Descriptor, now: Descriptor) -> Descriptor:
        """An entry of an index as it shall be: `old` as it was, `now` with what it leads to."""
        if old.digest in self.platforms_of:
            platform = old.platform or self.platforms_of[old.digest][0]
            now = _annotated(now, self._fitting(annotation.MANIFEST_DESCRIPTOR, platform))
            edit = self.corrections.platform
            if edit is not None and self._is_meant(platform):
                now = now.edited(platform=edit.applied(self._platform_fields(old)))
        if old.digest == self.top.digest:
            now = _annotated(now, self.corrections.of(annotation.INDEX_DESCRIPTOR))
        return now

    def annotations_of(self, document: Document) -> dict[str, str] | None:
        """The annotations of a document as they shall be, if they shall be others.

        Raises CannotHold where a manifest is listed for several platforms, not all of them meant.
        """
        platforms = self.platforms_of.get(document.digest)
        if platforms is not None:
            edits, *others = [self._fitting(annotation.MANIFEST, each) for each in platforms]
            if any(other != edits for other in others):
                raise CannotHold(
                    f"{_shared(document.digest, platforms)}: an annotation of the manifest is for "
                    "all of them, manifest-descriptor:KEY=VALUE for one"
                )
        elif document.digest == self.top.digest:
            edits = self.corrections.of(annotation.INDEX)
        else:
            return None
        stated = document.fields.get("annotations") or {}
        assert isinstance(stated, dict)
        return _with_edits(stated, edits)

    def _fitting(self, level: str, platform: Platform | None) -> list[AnnotationEdit]:
        return [
            edit
            for edit in self.corrections.of(level)
            if (
                self._is_meant(platform)
                if edit.platform is None
                else platform is not None and platform.fits(edit.platform)
            )
        ]

    def _is_meant(self, platform: Platform | None) -> bool:
        if not self.platforms:
            return True
        return platform is not None and any(map(platform.fits, self.platforms))

    def _platform_fields(self, entry: Descriptor) -> Mapping[str, object]:
        stated = entry.fields.get("platform")
        if isinstance(stated, dict):
            return stated
        platform = platform_of(self.source, entry)
        return {} if platform is None or platform.is_unknown else platform.to_fields()


def _images(
    source: ImageSource, target: pick.Target
) -> tuple[tuple[Descriptor, Platform | None], ...]:
    found: list[tuple[Descriptor, Platform | None]] = []
    for descriptor in manifests_below(source, [target.entry]):
        is_picked = target.member is None or target.member.digest == descriptor.digest
        if is_picked and not is_listed_referrer(descriptor):
            is_here = descriptor.digest not in source.absent
            platform = platform_of(source, descriptor) if is_here else descriptor.platform
            found.append((descriptor, platform))
    return tuple(found)


def _shared(digest: Digest, platforms: Sequence[Platform | None]) -> str:
    return f"{digest} is the image for {', '.join(str(platform) for platform in platforms)}"


def _check_annotations(plan: Plan) -> None:
    is_index = plan.top.media_type in media_types.INDEXES
    for edit in plan.corrections.annotations:
        if edit.level in {annotation.INDEX, annotation.INDEX_DESCRIPTOR} and not is_index:
            raise CannotHold(f"there is no index here, for {edit.level}:{edit.key}: write manifest")
        if edit.level.endswith("-descriptor") and edit.key in {names.REF_NAME, names.IMAGE_NAME}:
            raise UsageError(f"{edit.key} holds the name: tag and untag change it")
    is_docker = plan.top.media_type in {media_types.DOCKER_INDEX, media_types.DOCKER_MANIFEST}
    if plan.corrections.annotations and is_docker:
        notices.warn("Docker's media types have no annotations, so that few tools will see them")


def _check_platform(plan: Plan, edit: PlatformEdit) -> None:
    if len(plan.meant) != 1:
        raise AmbiguousName(
            f"a platform is set for one image, but {len(plan.meant)} are meant: pick one by "
            f"--platform or @DIGEST: {', '.join(str(p or e.digest) for e, p in plan.meant)}"
        )
    ((entry, old),) = plan.meant
    digest = entry.digest
    stated = {} if old is None or old.is_unknown else old.to_fields()
    new = Platform.from_fields(edit.applied(stated), "the platform")
    if not new.os or not new.architecture:
        raise UsageError("a platform needs an operating system and an architecture: --os, --arch")
    if not is_known(new):
        notices.warn(f"{new.os}/{new.architecture} is no platform that Go knows: is it right?")
    if edit.architecture is not None and edit.variant is None and new.variant:
        notices.warn(f"the variant {new.variant} stays: --variant '' removes it")
    for other in manifests_below(plan.source, [plan.top]):
        platform = other.platform
        if other.digest != digest and platform and platform.normalized == new.normalized:
            notices.warn(f"{new} stands twice in the index now; engines take the first")
    if plan.corrections.config and len(plan.platforms_of[digest]) > 1:
        raise CannotHold(
            f"{_shared(digest, plan.platforms_of[digest])}: its config can say one platform only, "
            "so leave out --config"
        )
    if not plan.corrections.config and digest not in plan.source.absent:
        _say_what_the_config_says(plan.source, digest, new, plan)


def _say_what_the_config_says(
    source: ImageSource, digest: Digest, new: Platform, plan: Plan
) -> None:
    member = next(d for d in manifests_below(source, [plan.top]) if d.digest == digest)
    if not is_document(member):
        return
    config = read_config(source, read_manifest(source, member))
    if config is not None and config.platform.normalized != new.normalized:
        notices.note(f"its config still says {config.platform}: --config changes that too")


def _annotated(descriptor: Descriptor, edits: Sequence[AnnotationEdit]) -> Descriptor:
    annotations = _with_edits(descriptor.annotations, edits)
    if annotations == descriptor.annotations:
        return descriptor
    return descriptor.with_annotations(annotations)


def _with_edits(annotations: Mapping[str, str], edits: Sequence[AnnotationEdit]) -> dict[str, str]:
    found = dict(annotations)
    for edit in edits:
        found = edit.applied(found)
    return found
