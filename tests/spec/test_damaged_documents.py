"""What can be read of documents that are damaged."""

import json

import pytest

from ocilayout.errors import InvalidDocument
from ocilayout.spec import media_types
from ocilayout.spec.damaged_documents import descriptors_in, readable_index
from ocilayout.spec.descriptor import Descriptor
from tests.images import make_image

GOOD = dict(make_image().descriptor.fields)


def test_each_descriptor_comes_with_its_place_or_with_what_is_wrong_with_it() -> None:
    fields = {"config": 1, "layers": [GOOD, {}], "manifests": None}
    config, good, bad = descriptors_in(fields, "m")
    assert config[:2] == ("config", "m: config")
    assert isinstance(config[2], InvalidDocument)
    assert good[:2] == ("layers", "m: layers[0]")
    assert isinstance(good[2], Descriptor)
    assert bad[:2] == ("layers", "m: layers[1]")
    assert str(bad[2]) == "m: layers[1].digest is missing"


def test_an_index_has_the_entries_that_can_be_read() -> None:
    raw = json.dumps({"manifests": [{"digest": "x"}, GOOD]}).encode()
    index = readable_index(raw, "index.json")
    assert [child.fields for child in index.children] == [GOOD]
    assert index.raw == raw
    assert index.media_type == media_types.OCI_INDEX


@pytest.mark.parametrize("media_type", ["", None])
def test_an_index_of_no_media_type_is_one_of_oci(media_type: str | None) -> None:
    raw = json.dumps({"mediaType": media_type, "manifests": [GOOD]}).encode()
    assert readable_index(raw, "index.json").media_type == media_types.OCI_INDEX


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b'{"manifests": 7}', b"\xff"])
def test_what_is_no_index_has_no_entries(raw: bytes) -> None:
    assert readable_index(raw, "index.json").children == ()
