"""What a run that wrote images says of it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from ocilayout.capabilities import made_layers
from ocilayout.commands.terminal.messages import Messages
from ocilayout.commands.terminal.printing import counted, echo_table, human_size, printable
from ocilayout.copy_engine import MovedName, Report
from ocilayout.damage import Damage
from ocilayout.description import Image, image_ids, images_in
from ocilayout.graph import changes, compose, is_document
from ocilayout.protocols import ImageSource
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.stores.places import Place

_NOT_KNOWN = "digest not known yet"


class Plan(NamedTuple):
    """What a run would do."""

    source: ImageSource
    blobs: Sequence[Descriptor]
    """What would be written."""
    unsettled: set[Digest]
    """What has a digest that is not known before."""
    place: Place
    moved: Sequence[MovedName] = ()
    """Names that lead to other images there now."""

    def digest(self, descriptor: Descriptor) -> str | None:
        """The digest that it would have; None where that is not known."""
        return None if descriptor.digest in self.unsettled else str(descriptor.digest)

    def new_digest(self, moved: MovedName) -> str | None:
        """The digest that a name would lead to; None where that is not known."""
        return None if moved.new in self.unsettled else str(moved.new)


def plan_fields(plan: Plan, messages: Messages) -> Mapping[str, object]:
    """What would be written, as JSON."""
    return {
        "destination": plan.place.text,
        "dry_run": True,
        "images": [
            {**image_fields(image), "digest": plan.digest(image.descriptor)}
            for image in images_in(plan.source)
        ],
        "blobs": [
            {"digest": plan.digest(blob), "size": blob.size, "media_type": blob.media_type}
            for blob in plan.blobs
        ],
        "moved": [moved_fields(name, plan.new_digest(name)) for name in plan.moved],
        "warnings": messages.warnings,
        "notes": messages.notes,
    }


def echo_plan(plan: Plan) -> None:
    """Say what would be written, and what each name would lead to."""
    total = human_size(sum(blob.size for blob in plan.blobs))
    to = printable(plan.place.text)
    click.echo(f"would write {counted(len(plan.blobs), 'blob')}, {total}, to {to}")
    for image in images_in(plan.source):
        click.echo(f"would be {image_line(image, plan.digest(image.descriptor) or _NOT_KNOWN)}")
    if plan.blobs:
        rows = (
            (human_size(blob.size), blob.media_type, plan.digest(blob) or _NOT_KNOWN)
            for blob in plan.blobs
        )
        echo_table(("SIZE", "MEDIA TYPE", "DIGEST"), rows, indent="  ")


def echo_summary(report: Report, place: Place, verbose: bool) -> None:
    """Say what is at the destination now: on standard output, if that is not the destination."""
    # It was loaded to write there.
    from ocilayout.outputs import is_stream

    to_stderr = place.is_stream or (place.path is not None and is_stream(place.path))
    if verbose:
        for word, blobs in (
            ("copied", report.copied),
            ("there already", report.skipped),
            ("linked", report.linked),
            ("mounted", report.mounted),
        ):
            for blob in blobs:
                click.echo(f"{word}: {blob.digest} ({human_size(blob.size)})", err=True)
    for image in images_in(report.source):
        click.echo(image_line(image), err=to_stderr)


def traffic(report: Report) -> str:
    """What went to or came from a registry, and what had not to, in words."""
    parts = [
        f"{counted(len(blobs), 'blob')} ({human_size(sum(blob.size for blob in blobs))}) {word}"
        for blobs, word in (
            (report.copied, "copied"),
            (report.skipped, "there already"),
            (report.mounted, "mounted"),
        )
        if blobs
    ]
    return ", ".join(parts)


def image_line(image: Image, digest: str = "") -> str:
    """An image as one line: names, platforms and digest, or words that stand for it."""
    names = " ".join(image.names) or (f"({image.title})" if image.title else "(no name)")
    return (
        f"{printable(names)} {printable(platforms_of(image))} {digest or image.descriptor.digest}"
    )


def platforms_of(image: Image) -> str:
    """The platforms of an image in words, those that are absent marked; of others the kind."""
    absent = (f"{platform} (absent)" for platform in image.absent)
    return ",".join((*map(str, image.platforms), *absent)) or image.kind


def report_fields(
    report: Report,
    origins: Sequence[ImageSource],
    source: ImageSource,
    place: Place,
    messages: Messages,
) -> Mapping[str, object]:
    """The report as JSON: what was written, and what changed on the way."""
    changed = _changed(report, origins, source)
    return {
        "destination": place.text,
        "images": [image_fields(image) for image in images_in(report.source)],
        "image_ids": _image_ids(report, origins, changed),
        "changed": [change_fields(old, new) for old, new in changed.items()],
        "copied": _count(report.copied),
        "skipped": _count(report.skipped),
        "linked": _count(report.linked),
        "mounted": _count(report.mounted),
        "moved": [moved_fields(name, str(name.new)) for name in report.moved],
        "warnings": messages.warnings,
        "notes": messages.notes,
    }


def damage_fields(damage: Damage) -> dict[str, object]:
    """What cannot be read, as JSON."""
    return {
        "names": list(damage.names),
        "digest": None if damage.digest is None else str(damage.digest),
        "platform": None if damage.platform is None else str(damage.platform),
        "reason": damage.reason,
    }


def image_fields(image: Image) -> dict[str, object]:
    """An image as JSON."""
    return {
        "names": list(image.names),
        "digest": str(image.descriptor.digest),
        "media_type": image.descriptor.media_type,
        "kind": image.kind,
        "platforms": [str(platform) for platform in image.platforms],
        "absent": [str(platform) for platform in image.absent],
        "size": image.size,
        "unique_size": image.unique_size,
        "refers_to": None if image.refers_to is None else str(image.refers_to),
    }


def moved_fields(moved: MovedName, new: str | None) -> dict[str, object]:
    """A name that was another image's as JSON; `new` is what it leads to, if that is known."""
    return {"name": moved.name, "old": str(moved.old), "new": new}


def change_fields(old: Digest, new: Descriptor) -> dict[str, object]:
    """A blob that became another as JSON."""
    return {
        "old": str(old),
        "new": str(new.digest),
        "media_type": new.media_type,
        "size": new.size,
    }


def _changed(
    report: Report, origins: Sequence[ImageSource], source: ImageSource
) -> dict[Digest, Descriptor]:
    """The old digest of each blob of the sources that became another.

    Manifests that had to be made are nobody's: they have no old digest.
    """
    made = any(made_layers(origin) for origin in origins)
    return {
        old: new
        for old, new in compose(changes(source), report.changed).items()
        if old != new.digest and not (made and is_document(new))
    }


def _image_ids(
    report: Report, origins: Sequence[ImageSource], changed: Mapping[Digest, Descriptor]
) -> list[dict[str, object]]:
    before = {digest: found for origin in origins for digest, found in image_ids(origin).items()}
    old_digests = {str(new.digest): str(old) for old, new in changed.items()}
    return [
        {
            "manifest": digest,
            "before": before.get(old_digests.get(digest, digest), image_id),
            "after": image_id,
        }
        for digest, image_id in image_ids(report.source).items()
    ]


def _count(blobs: Sequence[Descriptor]) -> dict[str, int]:
    return {"blobs": len(blobs), "bytes": sum(blob.size for blob in blobs)}
