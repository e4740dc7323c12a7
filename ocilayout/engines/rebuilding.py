"""An image made anew of its files: what helps where documents are in the way, and files are not."""

import json
import shlex
from collections.abc import Mapping, Sequence

from ocilayout.engines.member import Member
from ocilayout.errors import BlobNotFound, IntegrityError, InvalidDocument
from ocilayout.graph import manifest_if_here, manifests_below, read_config_bytes
from ocilayout.protocols import ImageSource
from ocilayout.rootfs.instructions import instructions_of


def rebuilding(
    source: ImageSource, place: Sequence[str], target: str, member: Member, names: Sequence[str]
) -> tuple[str, list[str]]:
    """The two commands that make a new image of the files of one, and what they do not keep.

    `place` is followed by the options with which it is read. The config is
    kept by `--change`; history and layers are not.
    """
    settings = _settings(source, member)
    changes, lost = instructions_of(settings)
    platform = ["--platform", member.platform.specifier] if member.platform else []
    first = ["ocilayout", "export", place[0], "-", *place[1:], *platform]
    second = ["ocilayout", "import", "-", target, *platform]
    second += [word for name in names for word in ("--tag", name)]
    second += [word for change in changes for word in ("--change", change)]
    return f"{shlex.join(first)} | {shlex.join(second)}", lost


def _settings(source: ImageSource, member: Member) -> Mapping[str, object]:
    """The `config` of an image's config, as far as that can be read."""
    for descriptor in manifests_below(source, source.index.children):
        manifest = manifest_if_here(source, descriptor)
        if manifest is None or manifest.config is None:
            continue
        if manifest.config.digest != member.image_id:
            continue
        try:
            value = json.loads(read_config_bytes(source, manifest.config))
        except (BlobNotFound, IntegrityError, InvalidDocument, ValueError):
            return {}
        settings = value.get("config") if isinstance(value, dict) else None
        return settings if isinstance(settings, dict) else {}
    return {}
