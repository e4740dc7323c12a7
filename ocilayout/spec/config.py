"""Image configs: what an image says of its platform, its layers and its history.

Only what this project needs is typed; the bytes of a config are the image id and never change.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ocilayout.errors import InvalidDocument
from ocilayout.spec import strict_json
from ocilayout.spec.digest import Digest
from ocilayout.spec.fields import Fields
from ocilayout.spec.platform import Platform

FIELDS = (
    "architecture",
    "os",
    "variant",
    "os.version",
    "os.features",
    "rootfs",
    "history",
    "created",
    "config",
)


class HistoryEntry(NamedTuple):
    """One step of a build (config.md, "history")."""

    created_by: str | None
    empty_layer: bool


class ImageConfig(NamedTuple):
    """The config of an image, for OCI and Docker alike."""

    platform: Platform
    diff_ids: tuple[Digest, ...]
    """The digests of the uncompressed layers, lowest first."""
    history: tuple[HistoryEntry, ...]
    fields: Mapping[str, object]

    @classmethod
    def parse(cls, raw: bytes, label: str) -> "ImageConfig":
        """The config that `raw` holds; raises InvalidDocument."""
        parsed = strict_json.parse_object(raw, label, strict_json.CONFIG)
        fields = Fields(parsed, label, known=FIELDS)
        stated = fields.value.get("rootfs")
        rootfs = Fields({} if stated is None else stated, fields.path("rootfs"))
        # Engines unpack layers whatever the type is, as docker 20.10, podman 4.3 and ctr 1.6 do.
        rootfs.optional_text("type")
        return cls(
            Platform.from_fields(fields.value, label),
            _diff_ids(rootfs),
            tuple(
                _history_entry(item, f"{fields.path('history')}[{position}]")
                for position, item in enumerate(fields.optional_list("history"))
            ),
            fields.value,
        )


def _diff_ids(rootfs: Fields) -> tuple[Digest, ...]:
    found: list[Digest] = []
    for position, text in enumerate(rootfs.texts("diff_ids")):
        try:
            found.append(Digest.parse(text))
        except InvalidDocument as error:
            raise type(error)(f"{rootfs.path('diff_ids')}[{position}]: {error}") from None
    return tuple(found)


def _history_entry(value: object, where: str) -> HistoryEntry:
    """One step; of null, as Go reads it, a step that says nothing and made a layer."""
    fields = Fields({} if value is None else value, where)
    return HistoryEntry(
        fields.optional_text("created_by"),
        fields.value.get("empty_layer") is True,
    )
