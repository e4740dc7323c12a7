import pytest

from ocilayout.suffixes import SUFFIXES, other_suffix, tar_suffix


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", ["app", "app.v1.2", "APP.zip", ".hidden"])
def test_a_tar_is_known_by_the_end_of_its_name(name: str, suffix: str) -> None:
    assert tar_suffix(f"{name}{suffix}") == suffix
    assert tar_suffix(f"{name}{suffix.upper()}") == suffix
    assert other_suffix(f"{name}{suffix}") is None


@pytest.mark.parametrize(
    "name", ["app", "app.v1.2", "app.oci", "v1.3", "tar", "zip", ".sif", "a.b"]
)
def test_other_names_ask_for_nothing(name: str) -> None:
    assert tar_suffix(name) is None
    assert other_suffix(name) is None


@pytest.mark.parametrize(
    ("name", "suffix", "advice"),
    [
        ("app.sif", ".sif", "apptainer build"),
        ("app.SIF", ".sif", "apptainer build"),
        ("app.squashfs", ".squashfs", "mksquashfs"),
        ("app.sqfs", ".sqfs", "mksquashfs"),
        ("app.ext4", ".ext4", "mkfs.ext4"),
        ("app.iso", ".iso", "ocilayout export"),
        ("app.qcow2", ".qcow2", "ocilayout export"),
        ("app.vmdk", ".vmdk", "ocilayout export"),
        ("app.img", ".img", "ocilayout export"),
        ("app.raw", ".raw", "ocilayout export"),
        ("app.zip", ".zip", ".tar.zst"),
        ("app.7z", ".7z", ".tar.zst"),
        ("app.rpm", ".rpm", ".tar.zst"),
        ("app.deb", ".deb", ".tar.zst"),
        ("app.gz", ".gz", ".tar.zst"),
        ("app.tar.lz4", ".lz4", ".tar.zst"),
        ("app.tar.part1", ".tar.part1", ".tar.zst"),
    ],
)
def test_what_is_not_written_comes_with_what_is(name: str, suffix: str, advice: str) -> None:
    found = other_suffix(name)
    assert found is not None
    assert found[0] == suffix
    assert advice in found[1]
