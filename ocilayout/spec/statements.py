"""In-toto statements and SBOMs: what an attestation says, in a few fields.

Sources: in-toto/attestation (spec/v1/statement.md, envelope.md), slsa.dev/spec (provenance v0.2 and
v1), BuildKit (docs/attestations), the schemas of SPDX 2.3 and CycloneDX 1.6, cosign (attest.go) and
sigstore's bundle. Nothing here checks a signature.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ocilayout.errors import InvalidDocument
from ocilayout.spec import strict_json
from ocilayout.spec.descriptor import Descriptor

_STATEMENTS = {"application/vnd.in-toto+json", "application/vnd.dsse.envelope.v1+json"}
_BUNDLE = "application/vnd.dev.sigstore.bundle"
_SBOMS = {
    "application/spdx+json": "https://spdx.dev/Document",
    "text/spdx+json": "https://spdx.dev/Document",
    "application/vnd.cyclonedx+json": "https://cyclonedx.org/bom",
}
"""SBOMs as they are attached without a statement around them, and the predicate that they are."""
_PREDICATE_TYPES = ("in-toto.io/predicate-type", "predicateType")
"""Annotations of a layer: BuildKit's, cosign's."""

Fields = Mapping[str, object]


class Statement(NamedTuple):
    """What a layer of an attestation says."""

    predicate_type: str | None
    """None where nothing states it."""
    signed: bool = False
    """Whether a signature stands around it; nobody has checked it."""
    summary: Fields = MappingProxyType({})
    """Texts and counts, of those that are there; empty where the layer was not read."""


def may_be_statement(layer: Descriptor) -> bool:
    """Whether a layer is a statement or an SBOM, by its media type or its annotations."""
    return (
        layer.media_type in _STATEMENTS
        or layer.media_type in _SBOMS
        or layer.media_type.startswith(_BUNDLE)
        or _PREDICATE_TYPES[0] in layer.annotations
    )


def unread_statement(layer: Descriptor) -> Statement:
    """What a layer is said to hold by what leads to it."""
    stated = (layer.annotations.get(key) for key in _PREDICATE_TYPES)
    predicate_type = next(filter(None, stated), None) or _SBOMS.get(layer.media_type)
    return Statement(predicate_type)


def statement_in(layer: Descriptor, raw: bytes) -> Statement:
    """What a layer holds; what its annotations say alone where it is no statement."""
    unread = unread_statement(layer)
    try:
        document, signed = _opened(strict_json.parse_object(raw, str(layer.digest)), layer)
    except InvalidDocument:
        return unread
    if layer.media_type in _SBOMS:
        predicate, predicate_type = document, unread.predicate_type
    else:
        predicate = _object(document.get("predicate"))
        predicate_type = _text(document.get("predicateType")) or unread.predicate_type
    summary = _summarize(predicate_type or "", predicate)
    return Statement(
        predicate_type,
        signed,
        {key: value for key, value in summary.items() if value not in (None, "")},
    )


def _opened(document: Fields, layer: Descriptor) -> tuple[Fields, bool]:
    """The statement inside an envelope; raises InvalidDocument."""
    envelope = _object(document.get("dsseEnvelope", document))
    payload = envelope.get("payload")
    if not isinstance(payload, str):
        return document, False
    # Few layers have an envelope.
    import base64
    import binascii

    try:
        raw = base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidDocument(f"{layer.digest}: payload is not base64") from None
    return strict_json.parse_object(raw, f"{layer.digest}: payload"), True


def _summarize(predicate_type: str, predicate: Fields) -> Fields:
    for start, summarize in _PREDICATES.items():
        if predicate_type.startswith(start):
            return summarize(predicate)
    return {}


def _provenance_0(predicate: Fields) -> Fields:
    return {
        "builder": _text(_at(predicate, "builder", "id")),
        "build_type": _text(predicate.get("buildType")),
        "source": _text(_at(predicate, "invocation", "configSource", "uri")),
        "entry_point": _text(_at(predicate, "invocation", "configSource", "entryPoint")),
        "materials": _count(predicate.get("materials")),
        "started": _text(_at(predicate, "metadata", "buildStartedOn")),
        "finished": _text(_at(predicate, "metadata", "buildFinishedOn")),
    }


def _provenance_1(predicate: Fields) -> Fields:
    build = _object(predicate.get("buildDefinition"))
    # BuildKit says configSource, builders of GitHub's workflows say workflow.
    given = _object(build.get("externalParameters"))
    source = _object(given.get("configSource") or given.get("workflow"))
    run = _object(predicate.get("runDetails"))
    return {
        "builder": _text(_at(run, "builder", "id")),
        "build_type": _text(build.get("buildType")),
        "source": _text(source.get("uri") or source.get("repository")),
        "entry_point": _text(source.get("path")),
        "materials": _count(build.get("resolvedDependencies")),
        "started": _text(_at(run, "metadata", "startedOn")),
        "finished": _text(_at(run, "metadata", "finishedOn")),
    }


def _spdx(predicate: Fields) -> Fields:
    # Older cosigns put the document into a field of its own.
    document = _object(predicate.get("Data")) or predicate
    return {
        "format": _text(document.get("spdxVersion")),
        "name": _text(document.get("name")),
        "packages": _count(document.get("packages")),
    }


def _cyclonedx(predicate: Fields) -> Fields:
    document = _object(predicate.get("Data")) or predicate
    version = _text(document.get("specVersion"))
    return {
        "format": f"CycloneDX-{version}" if version else None,
        "name": _text(_at(document, "metadata", "component", "name")),
        "version": _text(_at(document, "metadata", "component", "version")),
        "packages": _count(document.get("components")),
    }


_PREDICATES: Mapping[str, Callable[[Fields], Fields]] = {
    "https://slsa.dev/provenance/v0.2": _provenance_0,
    "https://slsa.dev/provenance/v1": _provenance_1,
    "https://spdx.dev/Document": _spdx,
    "https://cyclonedx.org/bom": _cyclonedx,
}


def _at(value: object, *path: str) -> object:
    for key in path:
        value = _object(value).get(key)
    return value


def _object(value: object) -> Fields:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: object) -> int:
    return len(value) if isinstance(value, list) else 0
