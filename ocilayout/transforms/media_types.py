"""The same images in the other family's media types: OCI's, or Docker's for old registries."""

from functools import partial

from ocilayout import notices
from ocilayout.errors import CannotHold
from ocilayout.graph import read_document
from ocilayout.protocols import ImageSource
from ocilayout.referrers import is_listed_referrer, is_referrer
from ocilayout.rewriting import Rewriter, ordered_documents
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.documents import Document, Index, Manifest
from ocilayout.spec.media_types import DEFAULTED_CONFIGS, OCI_CONFIG, Family, in_family
from ocilayout.transforms.attestations import without_attestations


def in_media_types(source: ImageSource, family: Family) -> ImageSource:
    """The source with documents, configs and layers named in the types of `family`.

    Digests of documents change, those of configs and layers do not. A document that does not state
    its type states it then, as some registries want (ECR, Nexus). A config of an image whose type
    says nothing gets the right one. Docker's types have no words
    for attestations (BuildKit refuses the combination), so those go. Raises CannotHold for other
    artifacts.
    """
    if family == "docker" and _has_attestations(source):
        notices.warn("attestations are left out: Docker's media types have no form for them")
        source = without_attestations(source)
    rewriter = Rewriter(source)
    for descriptor in ordered_documents(source):
        document = read_document(source, descriptor)
        if family == "docker" and isinstance(document, Manifest) and not document.has_layer_tars:
            raise CannotHold(
                f"{descriptor.digest} is {document.artifact_type or 'an artifact'}, for which "
                "Docker's media types have no form"
            )
        if isinstance(document, Manifest) and not document.is_image:
            rewriter.rewrite(document, media_type=document.media_type)
            continue
        rewriter.rewrite(
            document,
            partial(_in_family, family, _config_of(document)),
            in_family(document.media_type, family),
        )
    return rewriter.view()


def _config_of(document: Document) -> Descriptor | None:
    return document.config if isinstance(document, Manifest) else None


def _in_family(family: Family, config: Descriptor | None, child: Descriptor) -> Descriptor:
    is_config = config is not None and child.digest == config.digest
    is_defaulted = is_config and child.media_type in DEFAULTED_CONFIGS
    stated = OCI_CONFIG if is_defaulted else child.media_type
    media_type = in_family(stated, family)
    return child if media_type == child.media_type else child.edited(mediaType=media_type)


def _has_attestations(source: ImageSource) -> bool:
    for descriptor in ordered_documents(source):
        document = read_document(source, descriptor)
        if document.subject is not None:
            return True
        if isinstance(document, Index) and any(map(is_listed_referrer, document.children)):
            return True
    return any(is_referrer(source, entry) for entry in source.index.children)
