"""What is said of an image that was corrected: what it is now, and which digests moved."""

import click

from ocilayout import notices
from ocilayout.commands.terminal.messages import Messages
from ocilayout.commands.terminal.printing import echo_json
from ocilayout.commands.terminal.reporting import change_fields, image_fields, image_line
from ocilayout.description import images_in
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.stores.in_place import Edited


def report(
    place: str,
    before: Descriptor,
    done: Edited,
    messages: Messages,
    *,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say what became of the image that was `before`."""
    moved = {old: new for old, new in done.moved.items() if old != new.digest}
    for old, new in moved.items():
        becomes = f"would be {new.digest}" if dry_run else f"is {new.digest} now"
        notices.note(f"{_kind(new)} {old} {becomes}")
    now = moved[before.digest].digest if before.digest in moved else before.digest
    images = [image for image in images_in(done.source) if image.descriptor.digest == now]
    if as_json:
        echo_json(
            {
                "place": place,
                "dry_run": dry_run,
                "images": [image_fields(image) for image in images],
                "changed": [change_fields(old, new) for old, new in moved.items()],
                "warnings": messages.warnings,
                "notes": messages.notes,
            }
        )
    elif not quiet:
        for image in images:
            click.echo(f"{'would be ' if dry_run else ''}{image_line(image)}")


def _kind(blob: Descriptor) -> str:
    if blob.media_type in media_types.INDEXES:
        return "index"
    return "manifest" if blob.media_type in media_types.MANIFESTS else "config"
