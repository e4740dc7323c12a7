"""Documents rewritten from the leaves up, so that what led to a changed blob leads to the new one.

A changed layer changes its manifest's digest, that changes the index's, and what refers to the
image by digest (`subject`, BuildKit's and containerd's annotations, tags `sha256-HEX` as cosign and
regctl write them) is pointed to the new one.
"""

from collections.abc import Callable, Iterator, Mapping

from ocilayout.blobs import MemoryBlobs
from ocilayout.errors import InvalidDigest
from ocilayout.graph import View, changes, is_document, read_document, walk
from ocilayout.protocols import ImageSource
from ocilayout.signatures import warn_of_void
from ocilayout.spec import names
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Document, Index
from ocilayout.spec.marks import KIND, SUBJECTS, mark_of
from ocilayout.spec.media_types import layer_type

EditChild = Callable[[Descriptor], Descriptor | None]


def _as_is(child: Descriptor) -> Descriptor:
    return child


class Rewriter:
    """Follows what changed through the documents of one source."""

    def __init__(self, source: ImageSource) -> None:
        self._source = source
        self._documents = MemoryBlobs()
        self.changed: dict[Digest, Descriptor] = {}
        """The old digest of each blob that changed, and what is there now."""

    def replace(self, old: Descriptor, content: bytes) -> None:
        """Let what led to the blob `old` lead to this one; call it before `rewrite`."""
        self._documents.add(content)
        self.changed[old.digest] = Descriptor.of(old.media_type, content)

    def rewrite(
        self,
        document: Document,
        edit: EditChild = _as_is,
        media_type: str | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> Document:
        """The document, leading to what is there now; itself where nothing changed.

        `edit` changes what is said of children beyond that, or drops them from an index by None;
        `media_type` and `annotations` are the document's own, where they are given. Call it for
        children before parents.
        """
        old = document.descriptor
        edited = _with_children(document, lambda child: edit(self.current(child)))
        changes: dict[str, object] = {}
        if annotations is not None and annotations != document.fields.get("annotations", {}):
            changes["annotations"] = dict(annotations) or None
        if document.subject is not None:
            changes["subject"] = dict(self.current(document.subject).fields)
        if media_type is not None and media_type != document.fields.get("mediaType"):
            changes["mediaType"] = media_type
        edited = edited.with_fields(**changes)
        if edited is not document:
            self._documents.add(edited.raw)
            self.changed[old.digest] = edited.descriptor
        return edited

    def view(self) -> View:
        """The source as it is now."""
        index = self._source.index.with_children(self.current)
        # What an earlier step made has been told of.
        earlier = {new.digest for new in changes(self._source).values()}
        warn_of_void(self._source, {k: v for k, v in self.changed.items() if k not in earlier})
        return View(self._source, index, self._documents, self._source.absent, self.changed)

    def current(self, child: Descriptor) -> Descriptor:
        """The descriptor, pointing to what is there now."""
        found = self._with_references(child)
        target = self.changed.get(child.digest)
        if target is None:
            return found
        return found.pointing_to(target._replace(media_type=_media_type(child, target)))

    def _with_references(self, child: Descriptor) -> Descriptor:
        annotations = dict(child.annotations)
        for key in SUBJECTS:
            stated = _digest(annotations.get(key))
            moved = None if stated is None else self.changed.get(stated)
            if moved is not None:
                annotations[key] = str(moved.digest)
        kind, _, encoded = annotations.get(KIND, "").rpartition("/")
        moved = self.changed.get(Digest("sha256", encoded))
        if moved is not None and mark_of(child) is not None:
            annotations[KIND] = f"{kind}/{moved.digest.encoded}"
        for name in names.names_of(child):
            subject = names.subject_of_tag(name)
            moved = None if subject is None else self.changed.get(subject)
            if subject is not None and moved is not None:
                for key in (names.REF_NAME, names.IMAGE_NAME):
                    if key in annotations:
                        annotations[key] = annotations[key].replace(
                            subject.encoded, moved.digest.encoded
                        )
        return child if annotations == child.annotations else child.with_annotations(annotations)


def _with_children(document: Document, edit: EditChild) -> Document:
    if isinstance(document, Index):
        return document.with_children(edit)
    return document.with_children(lambda child: edit(child) or child)


def ordered_documents(source: ImageSource) -> list[Descriptor]:
    """All documents: children before parents, and subjects before what refers to them."""
    return [document for level in levels_of_documents(source) for document in level]


def levels_of_documents(source: ImageSource) -> list[list[Descriptor]]:
    """The same, in levels: what a document needs stands in a level before its own."""
    documents = {item.digest: item for item in walk(source) if is_document(item)}
    needs: dict[Digest, list[Digest]] = {}
    heights: dict[Digest, int] = {}
    for start in documents:
        stack = [start]
        while stack:
            digest = stack[-1]
            if digest not in needs:
                needed = _needed(source, documents[digest])
                needs[digest] = [item for item in needed if item in documents]
                stack.extend(item for item in reversed(needs[digest]) if item not in needs)
                continue
            stack.pop()
            if digest not in heights:
                # Not all are known where digests that cannot be verified lead round in a circle.
                known = (heights[item] for item in needs[digest] if item in heights)
                heights[digest] = 1 + max(known, default=-1)
    levels: list[list[Descriptor]] = [[] for _ in range(1 + max(heights.values(), default=-1))]
    for digest, height in heights.items():
        levels[height].append(documents[digest])
    return levels


def _needed(source: ImageSource, descriptor: Descriptor) -> Iterator[Digest]:
    document = read_document(source, descriptor)
    if document.subject is not None:
        yield document.subject.digest
    for child in document.children:
        yield child.digest


def _media_type(child: Descriptor, target: Descriptor) -> str:
    """The new type in the words of the child's own family."""
    mine, new = layer_type(child.media_type), layer_type(target.media_type)
    if mine is None or new is None:
        return target.media_type
    return mine._replace(codec=new.codec).media_type


def _digest(text: str | None) -> Digest | None:
    try:
        return None if text is None else Digest.parse(text)
    except InvalidDigest:
        return None
