"""A config held against the manifest that has it and the index that lists it."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from ocilayout.errors import OciLayoutError
from ocilayout.graph import read_config_bytes
from ocilayout.problems import Problem
from ocilayout.protocols import BlobReader
from ocilayout.spec import media_types
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.media_types import layer_type
from ocilayout.spec.platform import Platform
from ocilayout.verify.documents import schema_problems
from ocilayout.verify.telling import READING, place, split, told


@dataclass(frozen=True)
class ConfigReading:
    """What of a config matters to others."""

    problems: tuple[Problem, ...]
    platform: Platform | None = None
    diff_ids: tuple[Digest, ...] | None = None
    steps: int = 0
    """Steps of its history that made a layer."""
    has_history: bool = False
    size: int = 0
    """Bytes that were read and are what the digest says."""


class Configs:
    """Reads configs, and remembers some while other manifests may have the same."""

    _HELD = 16

    def __init__(self, source: BlobReader) -> None:
        self._source = source
        self._held: OrderedDict[Digest, ConfigReading] = OrderedDict()

    def read(self, descriptor: Descriptor, where: str) -> ConfigReading:
        """The config that `descriptor`, at `where`, leads to."""
        found = self._held.pop(descriptor.digest, None)
        found = found or _read(self._source, descriptor, where)
        self._held[descriptor.digest] = found
        if len(self._held) > self._HELD:
            self._held.popitem(last=False)
        return found


def _read(source: BlobReader, descriptor: Descriptor, where: str) -> ConfigReading:
    label = str(descriptor.digest)
    try:
        raw = read_config_bytes(source, descriptor)
    except READING as error:
        return ConfigReading((told(error, where),))
    problems = list(schema_problems(raw, media_types.OCI_CONFIG, label))
    if descriptor.media_type in media_types.DEFAULTED_CONFIGS:
        text = f"{descriptor.media_type or 'none'!r} says nothing of what {label} is"
        problems.append(Problem("config-type-defaulted", f"{where}.mediaType", text))
    try:
        config = ImageConfig.parse(raw, label)
    except OciLayoutError as error:
        if all(problem.level != "error" for problem in problems):
            path, text = split(str(error), label)
            problems.append(Problem("document-invalid", place(label, path), text))
        return ConfigReading(tuple(problems), size=len(raw))
    return ConfigReading(
        tuple(problems),
        config.platform,
        config.diff_ids,
        sum(not step.empty_layer for step in config.history),
        bool(config.history),
        len(raw),
    )


def count_problems(manifest: Manifest, config: ConfigReading, where: str) -> Iterator[Problem]:
    """Layers, diff ids and steps of history that are not equally many."""
    if config.diff_ids is None:
        return
    layers = len(manifest.layers)
    if layers != len(config.diff_ids):
        text = f"{layers} layers, but {len(config.diff_ids)} diff ids in the config"
        yield Problem("layer-count-mismatch", f"{where}: layers", text)
    # Attestations of older BuildKits have no history, as configs need not.
    if (
        config.has_history
        and layers != config.steps
        and all(layer_type(layer.media_type) for layer in manifest.layers)
    ):
        text = f"{layers} layers, but {config.steps} steps of history that made one"
        code = "history-too-long" if config.steps > layers else "history-mismatch"
        yield Problem(code, f"{where}: layers", text)


def platform_problems(entry: Descriptor, config: Platform | None, where: str) -> Iterator[Problem]:
    """Fields of the platform in which an index and the config of an image differ."""
    if entry.platform is None or config is None or config.is_unknown:
        return
    mine, its = entry.platform.normalized, config.normalized
    for field, stated, found in (
        ("os", mine.os, its.os),
        ("architecture", mine.architecture, its.architecture),
        ("variant", mine.variant, its.variant),
    ):
        is_open = field == "variant" and config.lacks_arm_variant
        if stated != found and not is_open:
            text = f"{stated or 'none'} in the index, {found or 'none'} in the config"
            yield Problem("platform-mismatch", f"{where}.platform.{field}", text)
    if mine.os_version and its.os_version and mine.os_version != its.os_version:
        text = f"{mine.os_version} in the index, {its.os_version} in the config"
        yield Problem("platform-mismatch", f"{where}.platform['os.version']", text)
