"""The members of indexes: gone over as a tree, and dropped or replaced."""

from collections.abc import Callable, Collection

from ocilayout.blobs import MemoryBlobs
from ocilayout.errors import InvalidDocument
from ocilayout.graph import MAX_LEVELS, View, read_document
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_listed_referrer, subject_of_entry
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index

Edit = Callable[[Descriptor], Descriptor | None]


def edited(source: ImageSource, edit: Edit) -> View:
    """The source with each member edited, or dropped by None.

    `edit` sees what is no index, at the top and in every index; an index that loses all its
    members goes with them, and one that is left with a single image becomes that image, so that
    tools without an eye for platforms can take it.
    """
    editor = _Editor(source, edit)
    index = source.index.with_children(lambda child: editor.visit(child, 0))
    return View(source, index, editor.documents, source.absent, editor.changed)


def without_orphans(
    view: View, before: ImageSource, dropped: Collection[Digest]
) -> tuple[View, list[tuple[Descriptor, Digest]]]:
    """An edited source without the referrers of what was dropped from it, or changed in it.

    Returns the referrers of what changed too, each with what it refers to. `before` is the source
    as it was.
    """
    orphans: list[tuple[Descriptor, Digest]] = []
    gone = {*dropped, *view.changed}

    def edit(descriptor: Descriptor) -> Descriptor | None:
        if descriptor.digest in before.absent:
            return descriptor
        subject = subject_of_entry(before, descriptor)
        if subject is not None and subject in view.changed:
            orphans.append((descriptor, subject))
        return None if subject in gone else descriptor

    return edited(view, edit), orphans


class _Editor:
    def __init__(self, source: ImageSource, edit: Edit) -> None:
        self._source = source
        self._edit = edit
        self.documents = MemoryBlobs()
        self._done: dict[Digest, Descriptor | None] = {}

    @property
    def changed(self) -> dict[Digest, Descriptor]:
        """The indexes that became others."""
        return {
            old: new for old, new in self._done.items() if new is not None and new.digest != old
        }

    def visit(self, descriptor: Descriptor, level: int) -> Descriptor | None:
        is_index = descriptor.media_type in media_types.INDEXES
        if not is_index or descriptor.digest in self._source.absent:
            return self._edit(descriptor)
        if level > MAX_LEVELS:
            raise InvalidDocument(f"{descriptor.digest} stands below {MAX_LEVELS} other indexes")
        if descriptor.digest not in self._done:
            self._done[descriptor.digest] = self._visit_index(descriptor, level)
        target = self._done[descriptor.digest]
        if target is None or target.digest == descriptor.digest:
            return None if target is None else descriptor
        pointing = descriptor.pointing_to(target)
        if target.platform is None:
            return pointing
        return pointing.edited(platform=target.fields["platform"])

    def _visit_index(self, descriptor: Descriptor, level: int) -> Descriptor | None:
        index = read_document(self._source, descriptor)
        assert isinstance(index, Index)
        new = index.with_children(lambda child: self.visit(child, level + 1))
        if new is index:
            return descriptor
        if len(new.children) == 1 and not is_listed_referrer(new.children[0]):
            return new.children[0]
        self.documents.add(new.raw)
        return new.descriptor if new.children else None
