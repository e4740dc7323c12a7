import pytest

from ocilayout.graph import View, is_document, read_document, walk
from ocilayout.referrers import subject_of_entry
from ocilayout.rewriting import Rewriter, ordered_documents
from ocilayout.spec import media_types
from ocilayout.spec.descriptor import Descriptor
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Manifest
from ocilayout.spec.marks import REFERENCE_DIGEST, SUBJECT
from ocilayout.spec.names import names_of
from tests.attestations import make_cosign_signature, make_referrer
from tests.images import (
    Made,
    MemorySource,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)

IMAGE = make_image(layers=[make_layer("base"), make_layer("app")])
EMPTY = make_blob(media_types.OCI_EMPTY, b"{}")


def layers_of(source: MemorySource, image: Made) -> tuple[Descriptor, ...]:
    manifest = read_document(source, image.descriptor)
    assert isinstance(manifest, Manifest)
    return manifest.layers


def rewritten(source: MemorySource, *changed: tuple[Descriptor, Descriptor]) -> Rewriter:
    """What the copy engine does once layers became others."""
    rewriter = Rewriter(source)
    rewriter.changed.update({old.digest: new for old, new in changed})
    for descriptor in ordered_documents(source):
        rewriter.rewrite(read_document(source, descriptor))
    return rewriter


def new_layer(source: MemorySource, image: Made = IMAGE) -> tuple[Descriptor, Descriptor]:
    """The top layer of an image, and what it becomes."""
    old = layers_of(source, image)[-1]
    return old, Descriptor.of(media_types.OCI_LAYER + "+zstd", b"compressed anew")


def digests_led_to(view: View) -> set[Digest]:
    """All that the documents of a view name."""
    found = {child.digest for child in view.index.children}
    pending = [child for child in view.index.children if is_document(child)]
    while pending:
        for child in read_document(view, pending.pop()).children:
            found.add(child.digest)
            pending.extend([child] if is_document(child) else [])
    return found


def test_a_source_in_which_nothing_changed_stays_as_it_is() -> None:
    source = make_source(make_index(IMAGE), IMAGE)
    rewriter = rewritten(source)
    assert rewriter.changed == {}
    assert rewriter.view().index is source.index


def test_a_changed_layer_changes_all_that_lead_to_it() -> None:
    source = make_source(make_index(make_index(IMAGE)).named("app:v1"), IMAGE)
    old, new = new_layer(source)
    found = digests_led_to(rewritten(source, (old, new)).view())
    assert new.digest in found
    assert not {old.digest, IMAGE.descriptor.digest} & found
    assert layers_of(source, IMAGE)[0].digest in found


def test_a_changed_layer_leaves_the_config_and_other_images() -> None:
    other = make_image("linux/arm64", layers=[make_layer("other")])
    source = make_source(make_index(IMAGE, other))
    view = rewritten(source, new_layer(source)).view()
    [top] = view.index.children
    changed, same = read_document(view, top).children
    assert same == other.descriptor
    assert (
        read_document(view, changed).children[0]
        == (read_document(source, IMAGE.descriptor).children[0])
    )


def test_what_became_another_is_told() -> None:
    index = make_index(IMAGE)
    source = make_source(index)
    old, new = new_layer(source)
    view = rewritten(source, (old, new)).view()
    assert view.changed.keys() == {old.digest, IMAGE.descriptor.digest, index.descriptor.digest}
    assert view.changed[index.descriptor.digest].digest == view.index.children[0].digest


@pytest.mark.parametrize("family", ["oci", "docker"])
def test_a_changed_layer_has_a_type_of_its_own_family(family: str) -> None:
    image = make_image(family="docker" if family == "docker" else "oci")
    source = make_source(image)
    view = rewritten(source, new_layer(source, image)).view()
    types = [layer.media_type for layer in read_document(view, view.index.children[0]).children[1:]]
    base = media_types.OCI_LAYER + "+" if family == "oci" else media_types.DOCKER_LAYER + "."
    assert types == [f"{base}gzip", f"{base}zstd"]


def test_a_changed_layer_stays_one_that_may_not_be_passed_on() -> None:
    layer = make_blob(media_types.OCI_NONDISTRIBUTABLE + "+gzip", b"layer")
    image = make_manifest(EMPTY, [layer])
    source = make_source(image)
    view = rewritten(source, new_layer(source, image)).view()
    assert read_document(view, view.index.children[0]).children[1].media_type == (
        media_types.OCI_NONDISTRIBUTABLE + "+zstd"
    )


@pytest.mark.parametrize("annotation", [REFERENCE_DIGEST, SUBJECT])
def test_an_attestation_is_pointed_to_what_its_image_became(annotation: str) -> None:
    attestation = make_manifest(EMPTY).annotated({annotation: str(IMAGE.descriptor.digest)})
    source = make_source(make_index(attestation, IMAGE))
    view = rewritten(source, new_layer(source)).view()
    [top] = view.index.children
    pointing, image = read_document(view, top).children
    assert pointing.annotations[annotation] == str(image.digest)
    assert pointing.digest == attestation.descriptor.digest


def test_an_annotation_that_is_no_digest_stays() -> None:
    attestation = make_manifest(EMPTY).annotated({REFERENCE_DIGEST: "none"})
    source = make_source(make_index(attestation, IMAGE))
    view = rewritten(source, new_layer(source)).view()
    assert read_document(view, view.index.children[0]).children[0] == attestation.descriptor


def test_a_subject_is_pointed_to_what_its_image_became() -> None:
    referrer = make_referrer(IMAGE)
    source = make_source(referrer, IMAGE)
    view = rewritten(source, new_layer(source)).view()
    pointing, image = view.index.children
    subject = read_document(view, pointing).subject
    assert subject is not None
    assert (subject.digest, subject.size) == (image.digest, image.size)
    assert pointing.digest != referrer.descriptor.digest


def test_a_tag_of_referrers_is_made_of_what_its_image_became() -> None:
    tag = f"registry.example/app:sha256-{IMAGE.descriptor.digest.encoded}"
    source = make_source(make_index(make_referrer(IMAGE)).named(tag), IMAGE)
    view = rewritten(source, new_layer(source)).view()
    pointing, image = view.index.children
    assert names_of(pointing) == (f"registry.example/app:sha256-{image.digest.encoded}",)
    assert subject_of_entry(view, pointing) == image.digest


@pytest.mark.parametrize(("kind", "is_signed"), [("sig", True), ("att", True), ("sbom", False)])
def test_a_tag_of_cosign_follows_and_what_is_signed_is_said_to_verify_no_more(
    kind: str, is_signed: bool, caplog: pytest.LogCaptureFixture
) -> None:
    signature = make_cosign_signature(IMAGE, kind)
    source = make_source(IMAGE, signature)
    view = rewritten(source, new_layer(source)).view()
    image, pointing = view.index.children
    assert names_of(pointing) == (f"sha256-{image.digest.encoded}.{kind}",)
    assert pointing.digest == signature.descriptor.digest
    assert ("void, since the digest that was signed changed: cosign" in caplog.text) is is_signed


def test_an_edit_of_children_is_made_on_what_they_became() -> None:
    source = make_source(IMAGE)
    old, new = new_layer(source)
    rewriter = Rewriter(source)
    rewriter.changed[old.digest] = new
    document = rewriter.rewrite(
        read_document(source, IMAGE.descriptor),
        lambda child: child.with_annotations({"seen": str(child.digest)}),
    )
    assert document.children[-1].annotations == {"seen": str(new.digest)}


def test_a_document_gets_another_media_type() -> None:
    source = make_source(IMAGE)
    rewriter = Rewriter(source)
    document = rewriter.rewrite(
        read_document(source, IMAGE.descriptor), media_type=media_types.DOCKER_MANIFEST
    )
    assert document.fields["mediaType"] == media_types.DOCKER_MANIFEST
    assert rewriter.view().index.children[0].media_type == media_types.DOCKER_MANIFEST


def test_documents_come_before_what_leads_to_them() -> None:
    other = make_image("linux/arm64")
    source = make_source(make_index(IMAGE, make_index(other)), other)
    ordered = ordered_documents(source)
    place = {item.digest: position for position, item in enumerate(ordered)}
    for item in ordered:
        for child in read_document(source, item).children:
            assert place.get(child.digest, -1) < place[item.digest]
    assert sorted(place) == sorted(item.digest for item in walk(source) if is_document(item))


@pytest.mark.parametrize("subject_first", [False, True])
def test_subjects_come_before_what_refers_to_them(subject_first: bool) -> None:
    referrer = make_referrer(IMAGE)
    signature = make_referrer(referrer)
    made = [IMAGE, referrer, signature]
    source = make_source(*made if subject_first else reversed(made))
    assert [item.digest for item in ordered_documents(source)] == [
        item.descriptor.digest for item in made
    ]


def test_a_subject_that_is_an_index_comes_after_its_members() -> None:
    index = make_index(IMAGE)
    referrer = make_referrer(index)
    source = make_source(make_index(referrer), index)
    assert [item.digest for item in ordered_documents(source)][:3] == [
        IMAGE.descriptor.digest,
        index.descriptor.digest,
        referrer.descriptor.digest,
    ]


def test_a_subject_that_is_elsewhere_is_passed_over() -> None:
    referrer = make_referrer(IMAGE)
    source = make_source(referrer)
    assert [item.digest for item in ordered_documents(source)] == [referrer.descriptor.digest]


def test_a_long_row_of_subjects_needs_no_stack() -> None:
    made = [IMAGE]
    for _ in range(1200):
        made.append(make_referrer(made[-1]))
    source = make_source(*reversed(made))
    assert [item.digest for item in ordered_documents(source)] == [
        item.descriptor.digest for item in made
    ]


def test_more_paths_than_can_be_counted_are_ordered_in_linear_time() -> None:
    made = IMAGE
    for _ in range(20):
        made = make_index(*[made.annotated({"n": str(number)}) for number in range(10)])
    source = make_source(made)
    assert len(ordered_documents(source)) == 21
    assert len(source.opened) <= 42
