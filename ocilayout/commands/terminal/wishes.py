"""The options of the verbs that write images, and what follows from them."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ocilayout.compression import CODECS, checked_level
from ocilayout.damage import DAMAGE, refuse_damage
from ocilayout.destination_options import DestinationOptions
from ocilayout.errors import UsageError
from ocilayout.protocols import BlobReader, ImageSource
from ocilayout.recode_policy import Recode, compress_all, compress_made
from ocilayout.spec.media_types import Family
from ocilayout.spec.platform import Platform
from ocilayout.stores.places import Place
from ocilayout.transforms.attestations import without_attestations
from ocilayout.transforms.media_types import in_media_types
from ocilayout.transforms.missing import Policy, settle_missing, without_damage
from ocilayout.transforms.select import select

if TYPE_CHECKING:
    from ocilayout.engines.facts import Engine

CONNECTIONS = 4
"""Blobs that go to or come from a registry at a time: one cannot fill a line that is far."""


class Wishes(NamedTuple):
    """The options of a verb that writes images, as the command line gave them."""

    platforms: tuple[Platform, ...] = ()
    compression: str | None = None
    level: int | None = None
    media_types: str = "keep"
    attestations: str = "keep"
    missing: Policy | None = None
    foreign: str = "keep"
    force: bool = False
    scratch: Path | None = None
    link: bool = False
    dry_run: bool = False
    as_json: bool = False
    jobs: int | None = None
    lock_timeout: float = 60.0
    progress: str = "auto"
    quiet: bool = False
    verbose: bool = False
    follow_links: bool = False
    as_index: bool = False
    """Whether what lies side by side in a source is one image."""
    engine: str | None = None
    """Which engine has to load the result."""
    referrers: bool = False
    """Whether to ask registries for what refers to their images."""

    def checked(self) -> "Wishes":
        """Itself; raises UsageError where wishes contradict one another."""
        if self.media_types == "docker" and self.compression in {"zstd", "none"}:
            raise UsageError(
                f"--media-types docker needs gzip layers, --compression {self.compression} "
                "asks for others"
            )
        if self.level is not None and self.codec is None:
            raise UsageError("--level needs --compression gzip or zstd")
        if self._row is not None and self.codec not in {None, *self._row.layers.value}:
            raise UsageError(
                f"{self.engine} takes no layers of {self.codec} ({self._row.layers.source})"
            )
        if self.codec is not None:
            checked_level(CODECS[self.codec], self.level)
        return self

    @property
    def codec(self) -> str | None:
        """What all layers are to be compressed with, if anything."""
        if self.media_types == "docker":
            return "gzip"
        return None if self.compression == "keep" else self.compression

    @property
    def threads(self) -> int:
        """How many work at a time: one for each processor unless said otherwise."""
        return self.jobs or len(os.sched_getaffinity(0))

    @property
    def connections(self) -> int:
        """How many work at a time where some wait for a registry, not for a processor."""
        return self.jobs or max(self.threads, CONNECTIONS)

    def prepared(self, source: ImageSource, elsewhere: BlobReader | None = None) -> ImageSource:
        """The source with the transforms that these options ask for.

        What it lacks may be `elsewhere`, where it is sent to.
        """
        found = self.selected(source)
        if self.attestations == "drop":
            found = without_attestations(found)
        found = self.settled(found, elsewhere)
        if self.foreign == "own":
            from ocilayout.transforms.foreign import with_own_layers

            found = with_own_layers(found)
        if self.media_types != "keep":
            family: Family = "docker" if self.media_types == "docker" else "oci"
            found = in_media_types(found, family)
        return found

    def selected(self, source: ImageSource) -> ImageSource:
        """The images of these platforms, without what cannot be read where that is left out."""
        found = self.joined(self.readable(source))
        try:
            return select(found, platforms=self.platforms)
        except DAMAGE:
            refuse_damage(found)
            raise

    def readable(self, source: ImageSource) -> ImageSource:
        """The source without what cannot be read, where that is left out."""
        return without_damage(source) if self._missing == "prune" else source

    def joined(self, source: ImageSource) -> ImageSource:
        """The source with its images as one, where that is asked for."""
        if not self.as_index:
            return source
        from ocilayout.transforms.one_image import as_one_image

        return as_one_image(source)

    def settled(self, source: ImageSource, elsewhere: BlobReader | None = None) -> ImageSource:
        """The source with a decision on what is absent."""
        return settle_missing(source, self._missing, elsewhere)

    @property
    def _missing(self) -> Policy:
        # An engine is not served by gaps, so they are left out where one is named.
        return self.missing or ("refuse" if self.engine is None else "prune")

    def recode(self, sources: Sequence[ImageSource], transport: str) -> Recode:
        """Which layers are compressed anew on the way into a format."""
        if self.codec is not None:
            return compress_all(self.codec)
        stays_plain = self.compression == "keep" or transport == "docker-archive"
        found = compress_made(sources, plain="none" if stays_plain else "gzip")
        if self._row is None:
            return found
        from ocilayout.engines.fitting import fitting_recode

        return fitting_recode(found, self._row)

    @property
    def _row(self) -> "Engine | None":
        if self.engine is None:
            return None
        from ocilayout.engines.strictest import strictest
        from ocilayout.engines.table import engines_named

        return strictest(self.engine, engines_named([self.engine]))

    def fitted(self, source: ImageSource) -> ImageSource:
        """The source without what can have no form in the engine; raises CannotHold."""
        if self._row is None:
            return source
        from ocilayout.engines.fitting import fitted

        return fitted(source, self._row)

    def destination_options(self, source: ImageSource) -> DestinationOptions:
        """How the output is written."""
        options = DestinationOptions(self.force, self.platforms, lock_timeout=self.lock_timeout)
        if self._row is None:
            return options
        from ocilayout.engines.fitting import manifest_platforms

        return options._replace(
            platforms=self.platforms or manifest_platforms(source, self._row),
            takes_zstd="zstd" in self._row.layers.value,
        )

    def check_target(self, place: Place, transport: str) -> None:
        """Raises UsageError where the engine does not read what is to be written there."""
        if self._row is not None and not place.is_engine:
            from ocilayout.engines.fitting import check_target

            check_target(place.path, transport, self._row)
