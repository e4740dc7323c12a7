"""What of a source cannot be read or followed, found without closing the rest of it.

An entry of an index that is no descriptor is set aside when the index is parsed; here the documents
that the others lead to are read, and what they are is looked at.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from ocilayout.errors import (
    BlobNotFound,
    IntegrityError,
    InvalidArchive,
    InvalidDocument,
    LeadsThroughLink,
    OciLayoutError,
)
from ocilayout.graph import (
    View,
    contradiction_of,
    is_document,
    read_bytes,
    read_config,
    read_document,
)
from ocilayout.protocols import ImageSource
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.followed import why_not_followed
from ocilayout.spec.names import names_of
from ocilayout.spec.platform import Platform

T = TypeVar("T")

Why = Callable[[ImageSource, Descriptor], str | None]
"""Says why an entry of an index cannot be read; None where it can."""

DAMAGE = (IntegrityError, InvalidArchive, InvalidDocument, OSError)
"""What reading a document may raise that is about this document."""


class Damage(NamedTuple):
    """What cannot be read, be it an entry of the top index or a member below one."""

    digest: Digest | None
    """None of an entry that states none."""
    names: tuple[str, ...]
    platform: Platform | None
    reason: str

    @property
    def title(self) -> str:
        """What messages call it."""
        return ", ".join(self.names) or str(self.digest or "an entry without a digest")

    @property
    def warning(self) -> str:
        """What to say of it where the rest of its place is looked at."""
        return (
            f"{self.title} cannot be read: {self.reason}; convert --missing prune copies the good "
            "ones"
        )


class Readable(NamedTuple):
    """A source without what cannot be read of it."""

    source: ImageSource
    """Damaged entries are set aside in its index, damaged members count as absent."""
    damage: tuple[Damage, ...]
    members: Mapping[Digest, str]
    """The damaged members, and why each cannot be read."""


def why_unreadable(source: ImageSource, descriptor: Descriptor) -> str | None:
    """Why an entry of an index cannot be followed; None where it can, or is not here.

    Reads a document, and an image's config, and opens layers; of a blob of another type it reads
    what it may lead to.
    """
    if descriptor.digest in source.absent:
        return None
    if not is_document(descriptor):
        return why_unfollowed(source, descriptor)
    return _why_damaged(source, descriptor, _check_parts)


def why_no_document(source: ImageSource, descriptor: Descriptor) -> str | None:
    """Why a manifest or an index cannot be read, whatever it leads to; None where it can, or is
    neither, or is not here."""
    if descriptor.digest in source.absent or not is_document(descriptor):
        return None
    return _why_damaged(source, descriptor, lambda _source, _manifest: None)


def _why_damaged(
    source: ImageSource, descriptor: Descriptor, check: Callable[[ImageSource, Manifest], None]
) -> str | None:
    try:
        document = read_document(source, descriptor)
        if isinstance(document, Manifest):
            check(source, document)
    except BlobNotFound:
        return None
    except LeadsThroughLink:
        # No damage: whether links are followed is for who reads to say, and the error tells how.
        raise
    except DAMAGE as error:
        return reason_of(error, descriptor)
    return None


def reason_of(error: OciLayoutError | OSError, descriptor: Descriptor) -> str:
    """An error of reading what a descriptor leads to, in words that need not name that again."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    reason = error.text.removeprefix(str(descriptor.digest)).lstrip(": ")
    return f"it {reason}" if reason.startswith(("is ", "has ")) else reason


def has_others(source: ImageSource, descriptor: Descriptor) -> bool:
    """Whether a source leads to anything beside an entry of it, so that it can be left out."""
    return source.index.damaged != () or source.index.children != (descriptor,)


def readable(source: ImageSource, why: Why = why_unreadable) -> Readable:
    """The source without what cannot be read, with what that is; reads all its documents.

    `why` says of each entry why it cannot be.
    """
    reasons: dict[int, str] = {}
    members: dict[Digest, str] = {}
    damage = [
        Damage(entry.digest, names_of(entry), None, entry.reason) for entry in source.index.damaged
    ]
    for position, entry in enumerate(source.index.children):
        reason = why(source, entry)
        if reason is not None:
            reasons[position] = reason
            damage.append(Damage(entry.digest, names_of(entry), entry.platform, reason))
            continue
        below = list(_damaged_members(source, entry, why))
        if below and _leads_to_nothing_else(source, entry, below):
            member, reason = below[0]
            reasons[position] = f"{member.digest}: {reason}"
            damage.append(Damage(entry.digest, names_of(entry), entry.platform, reasons[position]))
            continue
        for member, reason in below:
            if member.digest not in members:
                members[member.digest] = reason
                damage.append(Damage(member.digest, names_of(entry), member.platform, reason))
    if not reasons and not members:
        return Readable(source, tuple(damage), {})
    index = source.index.setting_aside(reasons)
    absent = frozenset((*source.absent, *members))
    return Readable(View(source, index, absent=absent), tuple(damage), members)


def despite_damage(
    source: ImageSource, look: Callable[[ImageSource], T]
) -> tuple[T, tuple[Damage, ...]]:
    """What `look` makes of a source, or of what can be read of it; and what cannot be.

    Raises InvalidDocument where nothing can be read.
    """
    if not source.index.damaged and all(map(is_document, source.index.children)):
        try:
            return look(source), ()
        except DAMAGE:
            found = readable(source)
            if not found.damage or not found.source.index.children or _is_ambiguous(source):
                raise
    else:
        found = readable(source)
    if found.damage and not found.source.index.children:
        raise refusal(found.damage, has_others=False)
    return look(found.source), found.damage


def _is_ambiguous(source: ImageSource) -> bool:
    """Whether entries describe one digest in two ways, so that tools see different images.

    That is no damage: somebody made it so (GHSA-5j5w-g665-5m35).
    """
    known: dict[Digest, Descriptor] = {}
    return any(
        contradiction_of(known.setdefault(entry.digest, entry), entry) is not None
        for entry in source.index.children
    )


def refuse_damage(source: ImageSource) -> None:
    """Raise InvalidDocument where something of a source with several images cannot be read."""
    found = readable(source)
    if found.damage and (found.members or found.source.index.children):
        raise refusal(found.damage)


def refuse_damaged_entries(source: ImageSource) -> None:
    """Raise InvalidDocument where entries of the top index cannot be read."""
    damaged = source.index.damaged
    if damaged:
        damage = [Damage(e.digest, names_of(e), None, e.reason) for e in damaged]
        raise refusal(damage, has_others=source.index.children != ())


def refuse_unfollowed(source: ImageSource) -> None:
    """Raise InvalidDocument where a copy would lose something: a damaged entry, or blobs that an
    entry leads to in a way that is not followed."""
    refuse_damaged_entries(source)
    seen: set[Digest] = set()
    pending = list(source.index.children)
    while pending:
        entry = pending.pop()
        if entry.digest in seen:
            continue
        seen.add(entry.digest)
        if is_document(entry):
            pending.extend(_members_of(source, entry))
            continue
        reason = why_unreadable(source, entry)
        if reason is not None:
            damage = Damage(entry.digest, names_of(entry), entry.platform, reason)
            raise refusal([damage], has_others=has_others(source, entry))


def refusal(damage: Sequence[Damage], *, has_others: bool = True) -> InvalidDocument:
    """The error to raise where all of a source is needed, which may have something beside."""
    more = f" (and {len(damage) - 1} more)" if len(damage) > 1 else ""
    return InvalidDocument(
        f"{damage[0].title} cannot be read{more}: {damage[0].reason}",
        remedy="convert --missing prune leaves it out" if has_others else "",
    )


def _check_parts(source: ImageSource, manifest: Manifest) -> None:
    """Raise where a config is not what it should be, or a layer is no regular file."""
    for part in manifest.children:
        if part.digest in source.absent:
            continue
        try:
            if part is manifest.config:
                read_config(source, manifest)
            source.open_blob(part).close()
        except BlobNotFound:
            continue


def _damaged_members(
    source: ImageSource, top: Descriptor, why: Why
) -> Iterator[tuple[Descriptor, str]]:
    """What stands below an entry that can be read, and cannot be read itself."""
    seen = {top.digest}
    pending = [top]
    while pending:
        for child in _members_of(source, pending.pop()):
            if child.digest in seen:
                continue
            seen.add(child.digest)
            reason = why(source, child)
            if reason is None:
                pending.append(child)
            else:
                yield child, reason


def _leads_to_nothing_else(
    source: ImageSource, index: Descriptor, damaged: Sequence[tuple[Descriptor, str]]
) -> bool:
    gone = {member.digest for member, _ in damaged}
    return all(child.digest in gone for child in _members_of(source, index))


def _members_of(source: ImageSource, descriptor: Descriptor) -> tuple[Descriptor, ...]:
    is_index = descriptor.media_type in media_types.INDEXES
    if not is_index or descriptor.digest in source.absent:
        return ()
    try:
        return read_document(source, descriptor).children
    except BlobNotFound:
        return ()


def why_unfollowed(source: ImageSource, blob: Descriptor) -> str | None:
    """Why an entry of an index that is no document would lose blobs in a copy; None where it would
    lose none, or cannot be read."""
    raw = b""
    if blob.size <= strict_json.MAX_DOCUMENT_SIZE:
        try:
            raw = read_bytes(source, blob)
        except (BlobNotFound, *DAMAGE):
            # Content, then: copying it says what is wrong with it.
            raw = b""
    return why_not_followed(blob, raw)
