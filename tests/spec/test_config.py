import pytest

from ocilayout.errors import InvalidDigest, InvalidDocument
from ocilayout.spec.config import HistoryEntry, ImageConfig
from ocilayout.spec.digest import Digest
from ocilayout.spec.platform import Platform
from tests.images import encode, make_config, make_layer

LAYERS = (make_layer("a"), make_layer("b"))


def test_a_config_says_where_its_image_runs() -> None:
    config = ImageConfig.parse(make_config("linux/arm/v7", LAYERS), "config")
    assert config.platform == Platform("linux", "arm", "v7")


def test_a_config_lists_the_plain_layers_lowest_first() -> None:
    config = ImageConfig.parse(make_config("linux/amd64", LAYERS), "config")
    assert config.diff_ids == tuple(map(Digest.of, LAYERS))


def test_a_config_tells_the_steps_of_the_build() -> None:
    history = [
        {"created": "2024-01-02T03:04:05Z", "created_by": "COPY"},
        {"empty_layer": True},
        {"empty_layer": False, "comment": "kept in the fields alone"},
    ]
    config = ImageConfig.parse(make_config("linux/amd64", LAYERS, history=history), "config")
    assert config.history == (
        HistoryEntry("COPY", empty_layer=False),
        HistoryEntry(None, empty_layer=True),
        HistoryEntry(None, empty_layer=False),
    )


def test_a_step_of_null_says_nothing_and_made_a_layer() -> None:
    history = [None, {"created_by": None, "empty_layer": None}]
    config = ImageConfig.parse(make_config("linux/amd64", LAYERS, history=history), "config")
    assert config.history == (HistoryEntry(None, empty_layer=False),) * 2


@pytest.mark.parametrize("kind", ["other", "layers+base", "LAYERS"])
def test_layers_are_layers_whatever_the_type_of_the_rootfs_is(kind: str) -> None:
    diff_id = Digest.of(LAYERS[0])
    rootfs = {"type": kind, "diff_ids": [str(diff_id)]}
    config = ImageConfig.parse(encode({"os": "linux", "rootfs": rootfs}), "config")
    assert config.diff_ids == (diff_id,)


def test_a_config_keeps_fields_that_nobody_specified() -> None:
    config = ImageConfig.parse(make_config("linux/amd64", (), vendor=[1]), "config")
    assert config.fields["vendor"] == [1]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"rootfs": None, "history": None},
        {"rootfs": {}},
        {"rootfs": {"type": "", "diff_ids": None}, "os": "", "os.features": None, "config": None},
    ],
)
def test_an_image_may_have_no_layer_and_no_history(fields: dict[str, object]) -> None:
    config = ImageConfig.parse(encode({"os": "linux", "architecture": "amd64", **fields}), "config")
    assert (config.diff_ids, config.history) == ((), ())


@pytest.mark.parametrize(
    "change",
    [
        {"os": 1},
        {"architecture": ["amd64"]},
        {"rootfs": "layers"},
        {"rootfs": [1]},
        {"rootfs": []},
        {"rootfs": 0},
        {"rootfs": False},
        {"rootfs": ""},
        {"rootfs": {"type": 1}},
        {"rootfs": {"diff_ids": {}}},
        {"rootfs": {"diff_ids": [None]}},
        {"history": {}},
        {"history": ["step"]},
        {"history": [{"created_by": 1}]},
        {"Rootfs": {}},
        {"ROOTFS": None},
    ],
    ids=repr,
)
def test_a_field_of_another_type_is_refused(change: dict[str, object]) -> None:
    fields = {"os": "linux", "architecture": "amd64", **change}
    with pytest.raises(InvalidDocument, match=r"^config sha256:x"):
        ImageConfig.parse(encode(fields), "config sha256:x")


@pytest.mark.parametrize("text", ["", "sha256:../..", Digest.of(b"").encoded])
def test_a_diff_id_is_a_digest(text: str) -> None:
    with pytest.raises(InvalidDigest):
        ImageConfig.parse(encode({"rootfs": {"type": "layers", "diff_ids": [text]}}), "config")
