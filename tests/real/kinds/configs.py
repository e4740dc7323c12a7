"""Image configs: what each engine parses of them, and what it compares with the layers."""

from collections.abc import Iterator

from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from tests.images import Made, encode, make_blob, make_config, make_layer, make_manifest
from tests.real.kinds.files import LAYERS, NAME, Kind, docker_kind, oci_kind

_MIB = 1 << 20
_STEPS = [{"created_by": f"step {number}"} for number in range(5)]
_DIFF_IDS = [str(Digest.of(layer)) for layer in LAYERS]
_FIELDS: dict[str, dict[str, object]] = {
    "created-empty": {"created": ""},
    "created-space": {"created": " "},
    "created-number": {"created": 1700000000},
    "created-words": {"created": "yesterday"},
    "created-date": {"created": "2024-01-02"},
    "created-no-zone": {"created": "2024-01-02T03:04:05"},
    "created-null": {"created": None},
    "created-offset": {"created": "2024-01-02T03:04:05.123456789+02:00"},
    "created-zero": {"created": "0001-01-01T00:00:00Z"},
    "created-no-day": {"created": "2024-02-30T00:00:00Z"},
    "env-number": {"config": {"Env": [1]}},
    "env-word": {"config": {"Env": "A=1"}},
    "cmd-word": {"config": {"Cmd": "sh"}},
    "config-null": {"config": None},
    "config-full": {"config": {"Cmd": ["/x"], "Env": ["A=1"], "WorkingDir": "/w", "User": "7"}},
    "labels-number": {"config": {"Labels": {"a": 1}}},
    "history-long": {"history": _STEPS},
    "history-short": {"history": _STEPS[:1]},
    "history-empty-steps": {"history": [{**step, "empty_layer": True} for step in _STEPS]},
    "history-null": {"history": None},
    "history-created-empty": {"history": [{"created": "", "created_by": "step"}] * 2},
    "rootfs-type-empty": {"rootfs": {"type": "", "diff_ids": _DIFF_IDS}},
    "rootfs-type-other": {"rootfs": {"type": "overlay", "diff_ids": _DIFF_IDS}},
    "diff-ids-fewer": {"rootfs": {"type": "layers", "diff_ids": _DIFF_IDS[:1]}},
    "diff-ids-more": {"rootfs": {"type": "layers", "diff_ids": [*_DIFF_IDS, _DIFF_IDS[0]]}},
    "diff-ids-wrong": {"rootfs": {"type": "layers", "diff_ids": _DIFF_IDS[::-1]}},
    "diff-ids-sha512": {
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(x, "sha512")) for x in LAYERS]}
    },
    "diff-ids-none": {"rootfs": {"type": "layers", "diff_ids": []}},
    "diff-ids-null": {"rootfs": {"type": "layers", "diff_ids": None}},
    "rootfs-null": {"rootfs": None},
    "no-os": {"os": None},
    "os-empty": {"os": ""},
    "no-architecture": {"architecture": None},
    "no-platform": {"os": None, "architecture": None},
    "windows": {"os": "windows", "os.version": "10.0.20348.1"},
    "freebsd": {"os": "freebsd"},
    "author": {"author": "somebody", "docker_version": "20.10.24"},
    "author-number": {"author": 7},
    "4-mib": {"author": "x" * (4 * _MIB + 1)},
    "5-mib": {"author": "x" * (5 * _MIB)},
    "9-mib": {"author": "x" * (9 * _MIB)},
    "foreign": {"architecture": "arm64"},
    "variant": {"variant": "v3"},
}
_TYPES = {
    "docker": media_types.DOCKER_CONFIG,
    "octet-stream": "application/octet-stream",
    "json": "application/json",
    "html": "text/html",
    "plain": "text/plain",
    "other": "application/vnd.example.config.v1+json",
}


def kinds() -> Iterator[Kind]:
    """Every field in a Docker archive and in an OCI one, and media types that a config may have."""
    for label, fields in _FIELDS.items():
        present = {key: value for key, value in fields.items() if value is not None}
        absent = [key for key in fields if key not in present and key in ("os", "architecture")]
        nulls = {key: None for key in fields if key not in present and key not in absent}
        raw = _config(absent, {**present, **nulls})
        yield docker_kind(f"configs-docker-{label}", config=raw)
        yield oci_kind(f"configs-oci-{label}", _image(raw))
    for label, media_type in _TYPES.items():
        raw = make_config("linux/amd64", LAYERS)
        yield oci_kind(f"configs-type-{label}", _image(raw, media_type))
    broken = {"list": b"[]", "null": b"null", "text": b"none", "empty": b"", "braces": b"{}"}
    for label, raw in broken.items():
        yield docker_kind(f"configs-docker-is-{label}", config=raw)
        yield oci_kind(f"configs-oci-is-{label}", _image(raw))
    empty = make_config("linux/amd64", [])
    yield docker_kind("configs-docker-no-layers", layers=[], config=empty)
    yield oci_kind("configs-oci-no-layers", _image(empty, layers=[]))
    for number in (125, 126, 127, 128, 130):
        many = [make_layer(str(step)) for step in range(number)]
        raw = make_config("linux/amd64", many)
        yield docker_kind(f"configs-docker-{number}-layers", layers=many, config=raw)
        yield oci_kind(f"configs-oci-{number}-layers", _image(raw, layers=many))


def _config(absent: list[str], fields: dict[str, object]) -> bytes:
    import json

    whole = json.loads(make_config("linux/amd64", LAYERS, **fields))
    return encode({key: value for key, value in whole.items() if key not in absent})


def _image(
    config: bytes, media_type: str = media_types.OCI_CONFIG, layers: object = LAYERS
) -> Made:
    blobs = [make_blob(media_types.OCI_LAYER, layer) for layer in layers]  # type: ignore[attr-defined]
    return make_manifest(make_blob(media_type, config), blobs).named(NAME)
