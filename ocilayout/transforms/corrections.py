"""What can be corrected of an image: what a person asks for, before any image was looked at."""

from collections.abc import Mapping
from dataclasses import dataclass

from ocilayout.spec.annotation import AnnotationEdit
from ocilayout.spec.platform import Platform


@dataclass(frozen=True)
class PlatformEdit:
    """What a platform shall say; None leaves a part as it is, an empty text removes it."""

    os: str | None = None
    architecture: str | None = None
    variant: str | None = None
    os_version: str | None = None
    os_features: tuple[str, ...] | None = None
    """Added to those that are there, as docker does; an empty text removes those first."""

    def applied(self, fields: Mapping[str, object]) -> dict[str, object]:
        """The JSON fields of a platform, or of a config, with these changes."""
        stated = {
            "os": self.os,
            "architecture": self.architecture,
            "variant": self.variant,
            "os.version": self.os_version,
        }
        found = {**fields, **{key: text for key, text in stated.items() if text is not None}}
        if self.os_features is not None:
            there = () if "" in self.os_features else Platform.from_fields(fields, "").os_features
            added = [feature for feature in self.os_features if feature]
            found["os.features"] = list(dict.fromkeys([*there, *added]))
        edited = {*stated, "os.features"}
        return {key: value for key, value in found.items() if value or key not in edited}


@dataclass(frozen=True)
class Corrections:
    """What is to be changed of an image."""

    annotations: tuple[AnnotationEdit, ...] = ()
    platform: PlatformEdit | None = None
    config: bool = False
    """Whether the config shall say the platform too: its digest, the image id, changes."""

    def of(self, level: str) -> list[AnnotationEdit]:
        """The annotations at this level."""
        return [edit for edit in self.annotations if edit.level == level]
