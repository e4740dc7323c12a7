"""What we write, read by skopeo, umoci and podman: each conversion of each image file."""

from pathlib import Path

from tests.real.conversions import Conversions
from tests.real.engines import Podman
from tests.real.peers import check_with_podman, check_with_skopeo, check_with_umoci


def test_skopeo_reads_it(
    image_file: Path, form: str, conversions: Conversions, tmp_path: Path
) -> None:
    if result := conversions.get(image_file, form):
        check_with_skopeo(result.reading, tmp_path)


def test_umoci_reads_it(
    image_file: Path, form: str, conversions: Conversions, tmp_path: Path
) -> None:
    if result := conversions.get(image_file, form):
        check_with_umoci(result.reading, tmp_path)


def test_podman_loads_it(
    image_file: Path, form: str, conversions: Conversions, podman: Podman
) -> None:
    if result := conversions.get(image_file, form):
        check_with_podman(result.reading, podman)
