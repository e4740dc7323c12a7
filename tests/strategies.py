"""Images that Hypothesis makes up."""

import io
import tarfile
from dataclasses import dataclass

from hypothesis import strategies as st

from ocilayout.spec.digest import Digest
from ocilayout.spec.media_types import Family
from tests.attestations import make_referrer
from tests.images import (
    Contents,
    Made,
    MemorySource,
    encode,
    in_sha512,
    make_blob,
    make_image,
    make_index,
    make_layer,
    make_manifest,
    make_source,
)

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/riscv64", "windows/amd64:10.0.1")
CODECS = ("none", "gzip", "zstd")
FAMILIES: tuple[Family, ...] = ("oci", "docker")

_FILE_NAMES = st.sampled_from(
    [
        "etc/passwd",
        "a b/c\td",
        "-rf",
        "ünï/cødé",
        "new\nline",
        "back\\slash",
        f"{'deep/' * 30}file",
        "n" * 200,
        ".hidden",
        "a/.wh.b",
        "a/.wh..wh..opq",
        ".wh..wh..plnk",
        "~",
        "*",
    ]
)


@dataclass(frozen=True)
class _Entry:
    name: str
    kind: bytes
    content: bytes
    mode: int


_ENTRIES = st.builds(
    _Entry,
    _FILE_NAMES,
    st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]),
    st.binary(max_size=600),
    st.sampled_from([0o644, 0o755, 0o4755, 0o000]),
)


def _layer(entries: list[_Entry]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            member = tarfile.TarInfo(entry.name)
            member.type, member.mode = entry.kind, entry.mode
            if entry.kind == tarfile.REGTYPE:
                member.size = len(entry.content)
            elif entry.kind != tarfile.DIRTYPE:
                member.linkname = "../../etc/shadow"
            tar.addfile(member, io.BytesIO(entry.content))
    return out.getvalue()


layers = st.lists(_ENTRIES, max_size=5).map(_layer)
"""Layer tars, with whiteouts, links that lead anywhere, and names that no shell likes."""

names = st.lists(
    st.builds(
        "{}{}:{}".format,
        st.sampled_from(["", "registry.example/", "localhost:5000/team/"]),
        st.sampled_from(["app", "tool", "base-image"]),
        st.sampled_from(["v1", "latest", "1.0_rc.1"]),
    ),
    max_size=8,
    unique=True,
)


@st.composite
def sources(draw: st.DrawFn) -> MemorySource:
    """One to three images or indexes that share layers, with several names or none."""
    pool = draw(st.lists(layers, min_size=1, max_size=4, unique=True))
    free = draw(names)
    tops: list[Made] = []
    for _ in range(draw(st.integers(1, 3))):
        top = draw(_tops(pool))
        count = draw(st.integers(0, min(2, len(free))))
        taken, free = free[:count], free[count:]
        # Without a name it would fall together with the same image under one.
        if all(top.descriptor.digest != other.descriptor.digest for other in tops):
            tops.append(top.named(*taken))
    return make_source(*tops)


@st.composite
def _tops(draw: st.DrawFn, pool: list[bytes]) -> Made:
    platforms = draw(st.lists(st.sampled_from(PLATFORMS), min_size=1, max_size=3, unique=True))
    images = [
        make_image(
            platform,
            layers=draw(st.lists(st.sampled_from(pool), max_size=4)),
            codec=draw(st.sampled_from(CODECS)),
            family=draw(st.sampled_from(FAMILIES)),
        )
        for platform in platforms
    ]
    return images[0] if len(images) == 1 and draw(st.booleans()) else make_index(*images)


@dataclass(frozen=True)
class Graph:
    """Documents of which some are listed, and what has to stay with them."""

    listed: list[Made]
    everything: Contents
    needed: set[Digest]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Images, nested indexes, artifacts, referrers and types of the future that share blobs."""
    nodes = [make_image(layers=[make_layer("a")]), make_blob("application/xml", b"<leaf/>")]
    subjects: dict[Digest, Made] = {}
    for number in range(draw(st.integers(1, 8))):
        others = draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=3, unique_by=id))
        kind = draw(st.sampled_from(["image", "artifact", "index", "future", "referrer"]))
        node = _node(kind, number, others)
        if draw(st.booleans()):
            node = in_sha512(node)
        nodes.append(node)
        if kind == "referrer":
            subjects[node.descriptor.digest] = others[0]
    listed = draw(st.lists(st.sampled_from(nodes), max_size=3, unique_by=id))
    everything = {digest: raw for node in nodes for digest, raw in node.contents.items()}
    return Graph(listed, everything, _needed(nodes, listed, subjects))


def _node(kind: str, number: int, others: list[Made]) -> Made:
    if kind == "image":
        return make_image(layers=[make_layer(text) for text in "abc"[: number % 3 + 1]])
    if kind == "artifact":
        return make_manifest(make_blob("application/vnd.example", b"%d" % number))
    if kind == "index":
        return make_index(*others, annotations={"number": str(number)})
    if kind == "referrer":
        return make_referrer(others[0])
    raw = encode({"number": number, "parts": [other.descriptor.fields for other in others]})
    made = make_blob("application/vnd.example.future+json", raw)
    contents = {digest: raw for other in others for digest, raw in other.contents.items()}
    return Made(made.descriptor, contents | made.contents)


def _needed(nodes: list[Made], listed: list[Made], subjects: dict[Digest, Made]) -> set[Digest]:
    """What the listed ones hold, what that refers to, and what refers to it."""
    needed = {digest for node in listed for digest in node.contents}
    before = -1
    while len(needed) != before:
        before = len(needed)
        for node in nodes:
            subject = subjects.get(node.descriptor.digest)
            if subject is not None and subject.descriptor.digest in needed:
                needed |= node.contents.keys()
            if subject is not None and node.descriptor.digest in needed:
                needed |= subject.contents.keys()
    return needed
