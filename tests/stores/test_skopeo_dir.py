import json
from pathlib import Path

import pytest

from ocilayout.copy_engine import transfer
from ocilayout.errors import CannotHold, DestinationExists, InvalidDocument, UsageError
from ocilayout.stores import open_destination, open_source
from tests.attestations import make_referrer
from tests.images import make_blob, make_image, make_index, make_layer, make_source
from tests.snapshots import contents_of, names_in, snapshot
from tests.stores.contract import StoreContract


class TestSkopeoDir(StoreContract):
    transport = "dir"
    output = "out"

    def test_an_image_is_plain_files(self, tmp_path: Path) -> None:
        made = make_image()
        path = self.write(tmp_path, make_source(made))
        expected: dict[str, bytes | None] = {
            digest.encoded: content for digest, content in made.contents.items()
        }
        expected["manifest.json"] = expected.pop(made.descriptor.digest.encoded)
        expected["version"] = b"Directory Transport Version: 1.1\n"
        assert snapshot(path) == expected

    def test_members_of_an_index_are_manifests_of_their_own(self, tmp_path: Path) -> None:
        member = make_image()
        made = make_index(member)
        path = self.write(tmp_path, make_source(made))
        assert (path / "manifest.json").read_bytes() == made.contents[made.descriptor.digest]
        inner = path / f"{member.descriptor.digest.encoded}.manifest.json"
        assert inner.read_bytes() == made.contents[member.descriptor.digest]

    def test_an_index_may_name_what_is_not_here(self, tmp_path: Path) -> None:
        """As docker 29 exports one platform of several."""
        member, absent = make_image("linux/amd64"), make_image("linux/arm64")
        source = make_source(make_index(member, absent), absent=[absent.descriptor.digest])
        for digest in absent.contents.keys() - member.contents.keys():
            source.contents.pop(digest, None)
        path = self.write(tmp_path, source)
        assert (path / f"{member.descriptor.digest.encoded}.manifest.json").is_file()

    def test_names_have_no_room_and_that_is_said(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        self.write(tmp_path, make_source(make_image().named("registry.example/app:v1")))
        with self.open_source(tmp_path) as read:
            assert names_in(read) == {}
        assert "registry.example/app:v1 is not in it" in caplog.text

    def test_two_images_are_refused(self, tmp_path: Path) -> None:
        two = make_source(make_image(), make_image(layers=[make_layer("other")]))
        with pytest.raises(CannotHold, match="here are 2"):
            self.write(tmp_path, two)
        assert snapshot(tmp_path) == {}

    def test_a_leaf_is_no_image(self, tmp_path: Path) -> None:
        with pytest.raises(CannotHold, match="text/plain"):
            self.write(tmp_path, make_source(make_blob("text/plain", b"leaf")))
        assert snapshot(tmp_path) == {}

    def test_an_empty_folder_is_filled(self, tmp_path: Path) -> None:
        (tmp_path / self.output).mkdir()
        made = make_image()
        self.write(tmp_path, make_source(made))
        with self.open_source(tmp_path) as read:
            assert contents_of(read) == made.contents

    def test_a_folder_that_appears_meanwhile_is_left_alone(self, tmp_path: Path) -> None:
        def appear() -> None:
            (tmp_path / self.output).mkdir()
            (tmp_path / self.output / "file").write_text("theirs")

        with pytest.raises(DestinationExists, match="not an empty folder"):
            self.write_and_then(tmp_path, appear)
        assert snapshot(tmp_path) == {"out": None, "out/file": b"theirs"}


def test_standard_output_cannot_be_a_folder() -> None:
    with pytest.raises(UsageError, match="standard output"), open_destination("dir:-"):
        pass


def test_a_manifest_of_docker_needs_no_version_file(tmp_path: Path) -> None:
    made = make_image(family="docker")
    with open_destination(f"dir:{tmp_path / 'out'}") as destination:
        transfer(make_source(made), destination)
    (tmp_path / "out" / "version").unlink()
    with open_source(f"dir:{tmp_path / 'out'}") as read:
        assert contents_of(read) == made.contents


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("Directory Transport Version: 1.1\n")
    with (
        pytest.raises(InvalidDocument, match=r"has no manifest\.json"),
        open_source(f"dir:{tmp_path}"),
    ):
        pass


def test_a_list_of_images_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "version").write_text("Directory Transport Version: 1.1\n")
    (tmp_path / "manifest.json").write_text(json.dumps([]))
    with pytest.raises(InvalidDocument, match="not a JSON object"), open_source(f"dir:{tmp_path}"):
        pass


def test_what_refers_to_the_image_has_no_room_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    image = make_image()
    with open_destination(f"dir:{tmp_path / 'out'}") as destination:
        transfer(make_source(image, make_referrer(image)), destination)
    assert set(snapshot(tmp_path / "out")) == {
        *(digest.encoded for digest in image.contents if digest != image.descriptor.digest),
        "manifest.json",
        "version",
    }
    assert "1 left out" in caplog.text
