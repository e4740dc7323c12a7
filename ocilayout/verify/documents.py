"""One document: its JSON, its schema, its descriptors, and what our own reader says of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from ocilayout.errors import InvalidDocument, OciLayoutError
from ocilayout.problems import Problem
from ocilayout.spec import media_types, schemas, strict_json
from ocilayout.spec.damaged_documents import descriptors_in
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import Index, Manifest
from ocilayout.spec.followed import SCHEMA_1, is_schema_1
from ocilayout.verify.telling import place, split, split_path

MAX_VIOLATIONS = 50
"""What is told of one document; one that breaks a rule in each of its entries breaks one rule."""


@dataclass(frozen=True)
class Reading:
    """What a document holds, as far as it can be read."""

    problems: tuple[Problem, ...]
    config: tuple[str, Descriptor] | None = None
    """Where the descriptor of the config stands, and it."""
    children: tuple[tuple[str, Descriptor], ...] = ()
    """Where each other descriptor that can be read stands, and it."""
    document: Index | Manifest | None = None
    """None where a strict reader refuses it."""

    @property
    def image_config(self) -> tuple[str, Descriptor] | None:
        """The config, where it is an image's."""
        if self.config is None:
            return None
        if isinstance(self.document, Manifest):
            return self.config if self.document.is_image else None
        return self.config if self.config[1].media_type in media_types.IMAGE_CONFIGS else None


def examined(raw: bytes, descriptor: Descriptor, label: str) -> Reading:
    """An index or a manifest that `descriptor` leads to, whose bytes were verified."""
    try:
        fields = strict_json.parse_object(raw, label)
    except InvalidDocument as error:
        return Reading((Problem("document-invalid", label, split(str(error), label)[1]),))
    problems = list(_kind_problems(fields, descriptor.media_type, label))
    config: tuple[str, Descriptor] | None = None
    children: list[tuple[str, Descriptor]] = []
    broken: list[tuple[str, OciLayoutError]] = []
    for key, where, found in descriptors_in(fields, label):
        if not isinstance(found, Descriptor):
            broken.append((where, found))
        elif key == "config":
            config = (where, found)
        else:
            children.append((where, found))
    if not problems:
        problems.extend(_rule_problems(fields, raw, descriptor.media_type, label))
    problems.extend(
        _split_problem("descriptor-invalid", error, label)
        for where, error in broken[:MAX_VIOLATIONS]
        if not _is_told(where, problems)
    )
    document, refusal = _parsed(raw, descriptor, label)
    if refusal is not None:
        problem = _split_problem("document-invalid", refusal, label)
        has_errors = any(found.level == "error" for found in problems)
        if not has_errors or not (problem.where == label or _is_told(problem.where, problems)):
            problems.append(problem)
    return Reading(tuple(problems), config, tuple(children), document)


def _rule_problems(
    fields: Mapping[str, object], raw: bytes, media_type: str, label: str
) -> Iterator[Problem]:
    """The schema's, but for the one rule of it that tools of the field do not keep."""
    is_empty = media_type == media_types.OCI_MANIFEST and fields.get("layers") == []
    if is_empty:
        yield Problem("layers-empty", f"{label}: layers", "there is none")
    for problem in schema_problems(raw, media_type, label):
        if not (is_empty and problem.where == f"{label}: layers"):
            yield problem


def schema_problems(raw: bytes, media_type: str, label: str) -> Iterator[Problem]:
    """What breaks the schema of a document, if there is one for it."""
    if media_type not in schemas.MEDIA_TYPES:
        return
    found = schemas.classified_violations(raw, media_type)
    for violation in islice(found, MAX_VIOLATIONS):
        path, text = split_path(violation.text)
        code = "value-blank" if violation.is_blank else "schema-violation"
        yield Problem(code, place(label, path), text)
    if next(found, None) is not None:
        yield Problem("schema-violation", label, "and there are more of this kind in it")


def _kind_problems(fields: Mapping[str, object], media_type: str, label: str) -> Iterator[Problem]:
    if is_schema_1(fields):
        yield Problem("schema-1", label, f"it is {SCHEMA_1}")
        return
    if "manifests" in fields and ("layers" in fields or "config" in fields):
        yield Problem("two-in-one", label, "it has manifests, and a config or layers too")
        return
    stated = fields.get("mediaType")
    if isinstance(stated, str) and stated not in {"", media_type}:
        text = f"it is {stated!r}, but what leads to it says {media_type!r}"
        yield Problem("media-type-mismatch", place(label, "mediaType"), text)
        return
    keys = ("manifests",) if media_type in media_types.INDEXES else ("layers", "blobs", "config")
    other = ("layers", "config") if media_type in media_types.INDEXES else ("manifests",)
    if not any(key in fields for key in keys) and any(key in fields for key in other):
        text = (
            f"it has {', '.join(key for key in other if key in fields)}, so it is no {media_type}"
        )
        yield Problem("media-type-mismatch", label, text)


def _parsed(
    raw: bytes, descriptor: Descriptor, label: str
) -> tuple[Index | Manifest | None, OciLayoutError | None]:
    kind = Index if descriptor.media_type in media_types.INDEXES else Manifest
    try:
        return kind.parse(descriptor.media_type, raw, label, descriptor.digest), None
    except OciLayoutError as error:
        return None, error


def _split_problem(code: str, error: OciLayoutError, label: str) -> Problem:
    path, text = split(str(error), label)
    return Problem(code, place(label, path), text)


def _is_told(where: str, problems: list[Problem]) -> bool:
    return any(problem.where.startswith(where) for problem in problems if problem.level == "error")
