"""Layers that may not be distributed as ordinary ones, for registries that do not take their URLs.

Such layers have a media type of their own and `urls`, from where others fetch them (layer.md,
"Non-Distributable Layers", and Docker's foreign layers). Base images of Windows had them.
"""

from ocilayout import notices
from ocilayout.errors import BlobNotFound
from ocilayout.graph import read_document
from ocilayout.protocols import ImageSource
from ocilayout.rewriting import Rewriter, ordered_documents
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.layers import is_foreign
from ocilayout.spec.media_types import layer_type


def with_own_layers(source: ImageSource) -> ImageSource:
    """The source with every foreign layer as an ordinary one, without URLs; itself if it has none.

    The bytes of layers stay as they are, digests of documents change. Raises BlobNotFound where
    such a layer is absent.
    """
    foreign: dict[Digest, None] = {}

    def as_own(child: Descriptor) -> Descriptor:
        if not is_foreign(child):
            return child
        if child.digest in source.absent:
            raise BlobNotFound(
                f"{child.digest} may not be distributed and is not here, and --foreign own needs "
                "its content: --allow-foreign fetches it where the source is a registry"
            )
        foreign[child.digest] = None
        own = child.edited(urls=None)
        kind = layer_type(child.media_type)
        if kind is None:
            return own
        return own.edited(mediaType=kind._replace(distributable=True).media_type)

    rewriter = Rewriter(source)
    for descriptor in ordered_documents(source):
        document = read_document(source, descriptor)
        if isinstance(document, Manifest):
            rewriter.rewrite(document, as_own)
        else:
            rewriter.rewrite(document)
    if not foreign:
        return source
    notices.warn(
        f"layers that may not be distributed are ordinary ones now ({len(foreign)}): digests "
        "change, and whether they may be passed on is for their license"
    )
    return rewriter.view()
