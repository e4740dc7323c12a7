import pytest

from ocilayout.spec import media_types
from ocilayout.spec.layers import Layer
from tests.images import make_blob


@pytest.mark.parametrize(
    ("annotations", "called"),
    [
        (["io.github.containers.zstd-chunked.manifest-checksum"], "zstd:chunked"),
        (["io.containers.zstd-chunked.manifest-checksum"], "zstd:chunked"),
        (["containerd.io/snapshot/stargz/toc.digest"], "eStargz"),
        (["containerd.io/snapshot/nydus-blob"], "nydus blob"),
        (["containerd.io/snapshot/nydus-bootstrap"], "nydus bootstrap"),
        (
            [
                "containerd.io/snapshot/stargz/toc.digest",
                "io.github.containers.zstd-chunked.manifest-checksum",
            ],
            "zstd:chunked",
        ),
        (["org.example.other"], None),
        ([], None),
    ],
)
def test_a_form_for_lazy_pulling_is_told_by_annotations(
    annotations: list[str], called: str | None
) -> None:
    made = make_blob(media_types.OCI_LAYER, b"").annotated(dict.fromkeys(annotations, "x"))
    assert Layer(made.descriptor, None, None).form == called
