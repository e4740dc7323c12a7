import pytest

from ocilayout.errors import UsageError
from ocilayout.transforms.rename import rename
from tests.attestations import make_containerd_referrer, make_referrer
from tests.images import make_image, make_index, make_layer, make_source
from tests.snapshots import contents_of, names_in

OLD, NEW = "registry.example/app:old", "registry.example/app:new"


def test_new_names_take_the_place_of_old_ones() -> None:
    source = make_source(make_image().named(OLD, "registry.example/app:older"))
    assert list(names_in(rename(source, [NEW]))) == [NEW]


def test_an_image_may_have_several_names() -> None:
    renamed = rename(make_source(make_image()), [NEW, OLD])
    assert list(names_in(renamed)) == [NEW, OLD]
    assert len(set(names_in(renamed).values())) == 1


def test_blobs_and_other_annotations_stay() -> None:
    image = make_index(make_image()).annotated({"example": "kept"})
    renamed = rename(make_source(image.named(OLD)), [NEW])
    assert contents_of(renamed) == image.contents
    assert renamed.index.children[0].annotations["example"] == "kept"


def test_referrers_come_along() -> None:
    image = make_image()
    referrers = [make_referrer(image), make_containerd_referrer(image)]
    renamed = rename(make_source(referrers[0], image, referrers[1]), [NEW])
    assert names_in(renamed) == {NEW: image.descriptor.digest}
    assert len(renamed.index.children) == 3


def test_several_images_cannot_have_one_name() -> None:
    images = [make_image(layers=[make_layer(text)]) for text in "ab"]
    source = make_source(images[0].named(OLD), images[1].named(NEW))
    with pytest.raises(UsageError, match=f"2 are selected: {NEW}, {OLD}"):
        rename(source, ["registry.example/app:v1"])


def test_no_image_cannot_have_a_name() -> None:
    with pytest.raises(UsageError, match="there is no image to name"):
        rename(make_source(), [NEW])
