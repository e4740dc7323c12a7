from pathlib import Path

from ocilayout.destination_options import DestinationOptions
from tests.images import make_image, make_source
from tests.snapshots import tar_files, tar_json
from tests.stores.contract import ArchiveContract


class TestOciArchive(ArchiveContract):
    transport = "oci-archive"

    def test_documents_of_the_layout_come_last(self, tmp_path: Path) -> None:
        names = list(tar_files(self.write(tmp_path, make_source(make_image()))))
        assert names[-2:] == ["index.json", "oci-layout"]
        assert all(name.startswith("blobs/sha256/") for name in names[:-2])

    def test_there_is_no_manifest_json(self, tmp_path: Path) -> None:
        assert "manifest.json" not in tar_files(self.write(tmp_path, make_source(make_image())))

    def test_an_image_has_its_full_name_and_its_tag(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, make_source(make_image().named("demo:v1")))
        (entry,) = tar_json(path, "index.json")["manifests"]
        assert entry["annotations"] == {
            "io.containerd.image.name": "docker.io/library/demo:v1",
            "org.opencontainers.image.ref.name": "v1",
        }

    def test_images_that_share_a_tag_have_their_full_names_for_it(self, tmp_path: Path) -> None:
        made = make_image().named("registry.example/one:v1", "registry.example/two:v1")
        path = self.write(tmp_path, make_source(made))
        entries = tar_json(path, "index.json")["manifests"]
        assert [entry["annotations"]["org.opencontainers.image.ref.name"] for entry in entries] == [
            "registry.example/one:v1",
            "registry.example/two:v1",
        ]

    def test_an_empty_archive_is_one(self, tmp_path: Path) -> None:
        self.write(tmp_path, make_source(), DestinationOptions())
        with self.open_source(tmp_path) as read:
            assert read.index.children == ()
