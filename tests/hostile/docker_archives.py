"""Docker archives: what manifest.json leads to, and what it says."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from tests.hostile import tars
from tests.hostile.cases import (
    ACCEPT,
    EITHER,
    REJECT,
    SAID,
    WARN,
    Builder,
    Case,
    case,
    file_of,
    folder_of,
    tar_of,
)
from tests.hostile.images import (
    FIRST_TAR,
    REMOVED,
    SECOND_TAR,
    Files,
    changed,
    digest_of,
    docker_archive,
    encode,
    hybrid,
    layout,
    plain_layer,
    replaced,
)

PLAIN = (plain_layer(FIRST_TAR), plain_layer(SECOND_TAR))
LAYER = "0" * 64 + "/layer.tar"


def docker(encoder: Any = encode, **documents: Any) -> Builder:
    return tar_of(partial(docker_archive, PLAIN, manifest=encoder, **documents))


def linked(*members: bytes, listed: str = LAYER) -> Builder:
    """A Docker archive whose first layer is `listed`, with the given members in front."""

    def content() -> bytes:
        files = docker_archive(PLAIN, manifest=changed("0.Layers.0", listed))
        return b"".join(members) + tars.tar(files.items())

    return file_of(content)


def real_layer() -> str:
    return next(name for name in docker_archive(PLAIN) if name.endswith("/layer.tar"))


def host_paths() -> Iterator[Case]:
    threat = "a path of manifest.json read from the host"
    # As seen from the archive's own folder, and from the current one.
    for name, path in {
        "beside": "../outside/layer.tar",
        "from-here": "outside/layer.tar",
        "absolute": "/etc/passwd",
        "empty": "",
        "dot": ".",
    }.items():
        yield case(f"docker-layer-{name}", threat, docker(changed("0.Layers.0", path)))
        yield case(f"docker-config-{name}", threat, docker(changed("0.Config", path)))


def links() -> Iterator[Case]:
    threat = "a layer that is a link to the host"
    for name, target in {
        "absolute": "/etc/passwd",
        "beside": "../../outside/layer.tar",
        "from-here": "../outside/layer.tar",
        "to-nothing": "../nothing/layer.tar",
        "to-itself": "layer.tar",
    }.items():
        for kind, flag in {"symlink": b"2", "hard-link": b"1"}.items():
            yield case(f"docker-{kind}-{name}", threat, linked(tars.link(LAYER, target, kind=flag)))
    threat = "a layer that is no file"
    for kind, flag in {"character": b"3", "block": b"4", "folder": b"5", "fifo": b"6"}.items():
        yield case(f"docker-layer-{kind}-device", threat, linked(tars.member(LAYER, kind=flag)))
    yield case("docker-layer-unknown-kind", threat, linked(tars.member(LAYER, kind=b"Z")))


def chained(hops: int) -> Builder:
    names = [LAYER, *(f"hop/{number}" for number in range(hops - 1)), real_layer()]
    chain = (tars.link(here, f"../{there}") for here, there in itertools.pairwise(names))
    return linked(*chain)


def legal_links() -> Iterator[Case]:
    threat = "links of older archives, which resolve to members of the same archive"
    yield case("docker-legacy-symlink", threat, chained(1), ACCEPT)
    yield case("docker-chain-of-3", threat, chained(3), EITHER)
    yield case("docker-chain-of-40", threat, chained(40))
    hard = linked(tars.link(LAYER, real_layer(), kind=b"1"))
    yield case("docker-hard-link", threat, hard, EITHER)
    loop = linked(tars.link(LAYER, "../a/b"), tars.link("a/b", f"../{LAYER}"))
    yield case("docker-loop-of-2", threat, loop)
    yield case("docker-symlink-at-the-end", threat, file_of(late_link), ACCEPT)


def late_link() -> bytes:
    files = docker_archive(PLAIN, manifest=changed("0.Layers.0", LAYER))
    body = tars.tar(files.items()).removesuffix(tars.END)
    return body + tars.link(LAYER, f"../{real_layer()}") + tars.END


DOCKER_WRONG: tuple[tuple[str, tuple[Any, ...]], ...] = (
    ("0", (None, [], 5, "x", {})),
    ("0.Config", (None, 5, [], REMOVED)),
    ("0.Layers", ({}, 5, "x")),
    ("0.Layers.0", (None, 5, [])),
    ("0.RepoTags", (5, {}, "x")),
    ("0.RepoTags.0", (5, None)),
)
DOCKER_SYNTAX: dict[str, bytes] = {
    "object": b"{}",
    "null": b"null",
    "empty-file": b"",
    "garbage": b"\xff\xfe",
    "cut": b"[{",
    "deep": b"[" * 100_000 + b"]" * 100_000,
}


def docker_documents() -> Iterator[Case]:
    threat = "a manifest.json of the wrong shape"
    for path, values in DOCKER_WRONG:
        for value in values:
            shown = "absent" if value is REMOVED else encode(value).decode()
            # As Go reads null for an empty name, which is left out.
            copy = SAID if (path, value) == ("0.RepoTags.0", None) else REJECT
            yield case(f"docker-{path}={shown}", threat, docker(changed(path, value)), copy)
    for name, raw in DOCKER_SYNTAX.items():
        # As Go writes a list of nothing.
        copy = EITHER if name == "null" else REJECT
        yield case(f"docker-manifest-{name}", threat, docker(replaced(raw)), copy)
    # An archive of nothing.
    yield case("docker-manifest-empty-list", threat, docker(replaced(b"[]")), EITHER)
    yield case("docker-no-names", threat, docker(changed("0.RepoTags", None)), ACCEPT)
    yield case(
        "docker-fewer-layers", threat, docker(changed("0.Layers", [real_layer()])), read=EITHER
    )
    yield case("docker-layers-null", threat, docker(changed("0.Layers", None)), read=EITHER)
    yield case("docker-no-layers", threat, file_of(without_layers), ACCEPT)
    for name in ("../../outside/planted", "--force", "a\x1b[2Jb", "UPPER/x:1", ":", "a:b:c"):
        build = docker(changed("0.RepoTags.0", name))
        shown = name.replace("/", "!").replace("\x1b", "ESC")
        yield case(f"docker-named-{shown}", "a tag used as a path", build, EITHER)
    wrong = docker(config=changed("rootfs.diff_ids.0", "sha256:" + "0" * 64))
    yield case("docker-diff-id-wrong", "layers that nothing vouches for", wrong, read=EITHER)


def without_layers() -> bytes:
    files = docker_archive((), manifest=changed("0.Layers", None))
    return tars.tar(files.items())


def two_formats() -> Iterator[Case]:
    threat = "manifest.json and index.json disagree"
    other = file_of(disagreeing)
    yield case("hybrid-disagrees", threat, other, WARN, read=EITHER)
    for transport in ("oci-archive", "docker-archive"):
        named = f"hybrid-disagrees-{transport}"
        yield case(named, threat, other, EITHER, transport=transport)
    yield case("hybrid", threat, tar_of(hybrid), ACCEPT)
    unread = tar_of(lambda: hybrid(docker_manifest=replaced(b"\xff\xfe")))
    yield case("hybrid-manifest-garbage", threat, unread, SAID, read=EITHER)
    alone = tar_of(lambda: hybrid(docker_manifest=changed("0.Layers.0", "blobs/sha256/absent")))
    yield case("hybrid-layer-absent", threat, alone, SAID, read=EITHER)


def disagreeing() -> bytes:
    return tars.tar((layout() | docker_archive((plain_layer(SECOND_TAR),))).items())


def several() -> Iterator[Case]:
    threat = "several images, or one layer several times, in one archive"
    twice = tar_of(partial(docker_archive, (PLAIN[0], PLAIN[0])))
    yield case("docker-layer-twice", threat, twice, ACCEPT)
    yield case("docker-two-images", threat, tar_of(partial(two_images, "v2")), ACCEPT)
    yield case("docker-same-name-twice", threat, tar_of(partial(two_images, "v1")), EITHER)
    yield case("docker-config-named-by-digest", threat, tar_of(as_crane), ACCEPT)
    itself = docker(changed("0.Layers.0", "manifest.json"))
    yield case("docker-layer-is-manifest", threat, itself, read=EITHER)
    config = docker(changed("0.Layers.0", next(iter(docker_archive(PLAIN)))))
    yield case("docker-layer-is-config", threat, config, read=EITHER)


def two_images(tag: str) -> Files:
    """Two images that share a layer; the second one is named `tag`."""
    first, second = docker_archive(PLAIN), docker_archive(PLAIN[:1])
    entries = json.loads(first["manifest.json"]) + json.loads(second["manifest.json"])
    entries[1]["RepoTags"] = [f"registry.example/app:{tag}"]
    return first | second | {"manifest.json": encode(entries)}


def as_crane() -> Files:
    """The config is a member named `sha256:…`, as crane writes it."""
    config, *_ = files = docker_archive(PLAIN)
    name = digest_of(files[config])
    listed = docker_archive(PLAIN, manifest=changed("0.Config", name))
    return {name if key == config else key: raw for key, raw in listed.items()}


def unpacked() -> Iterator[Case]:
    """The directory of an unpacked archive, whose files may be links to anywhere."""
    threat = "a link of an unpacked archive that leads out of it"
    files = partial(docker_archive, PLAIN)
    yield case("docker-unpacked", threat, folder_of(files), ACCEPT)
    for name, target in {
        "parent": "../../../outside/secret",
        "itself": "layer.tar",
        "device": "/dev/zero",
        "proc": "/proc/self/environ",
    }.items():
        build = folder_of(files, partial(link_layer, target=target))
        yield case(f"docker-unpacked-link-{name}", threat, build, seconds=5)
    config = folder_of(files, partial(link_config, target="../outside/secret"))
    yield case("docker-unpacked-config-link", threat, config)
    escaping = partial(docker_archive, PLAIN, manifest=changed("0.Layers.0", "..\\..\\secret"))
    yield case("docker-unpacked-backslashes", threat, folder_of(escaping))


def link_layer(root: Path, target: str) -> None:
    layer = root / real_layer()
    layer.unlink()
    layer.symlink_to(target)


def link_config(root: Path, target: str) -> None:
    config = next(iter(docker_archive(PLAIN)))
    (root / config).unlink()
    (root / config).symlink_to(target)


PARTS: tuple[Callable[[], Iterator[Case]], ...] = (
    host_paths, links, legal_links, docker_documents, two_formats, several, unpacked,
)  # fmt: skip


def cases() -> Iterator[Case]:
    for part in PARTS:
        yield from part()
