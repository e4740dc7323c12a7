"""For which platform a root file system is, by the programs in it (ELF, e_machine)."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Literal

from ocilayout.rootfs.plan import ContentReader
from ocilayout.rootfs.tree import Folder, Node, nodes_below
from ocilayout.spec.platform import Platform

_ENOUGH = 8
"""Programs that are looked at: one may be a stray of another machine."""

# (machine, 64 bit, little endian); https://refspecs.linuxfoundation.org and glibc's elf.h.
_MACHINES = {
    (0x03, False, True): "386",
    (0x3E, True, True): "amd64",
    (0x28, False, True): "arm",
    (0xB7, True, True): "arm64",
    (0xF3, True, True): "riscv64",
    (0x15, True, True): "ppc64le",
    (0x15, True, False): "ppc64",
    (0x16, True, False): "s390x",
    (0x08, True, True): "mips64le",
    (0x08, False, True): "mipsle",
    (0x102, True, True): "loong64",
}
_HARD_FLOAT = 0x400
_HEADER = 52
"""Bytes of an ELF header, of the shorter kind: what is looked at stands in these in both."""


def platform_in(reader: ContentReader, top: Folder) -> Platform | None:
    """The platform of most programs below `top`; None where there are none that are known."""
    counts: dict[Platform, int] = {}
    programs = list(islice(_programs(top), _ENOUGH))
    for _, content in reader.contents(programs):
        found = _platform(_head(content))
        if found is not None:
            counts[found] = counts.get(found, 0) + 1
    return max(counts, key=lambda platform: (counts[platform], platform), default=None)


def _head(content: Iterable[bytes]) -> bytes:
    head = b""
    for piece in content:
        head += piece[:_HEADER]
        if len(head) >= _HEADER:
            break
    return head


def _programs(top: Folder) -> Iterator[Node]:
    """Executable files, those of the usual folders first, each once."""
    seen: set[Node] = set()
    usual = [child for name in (b"bin", b"sbin", b"usr") if (child := top.children.get(name))]
    for folder in [*usual, top]:
        for node in _files(folder):
            if node.attributes.mode & 0o111 and node.size >= _HEADER and node not in seen:
                seen.add(node)
                yield node


def _files(folder: Node) -> Iterable[Node]:
    if isinstance(folder, Folder):
        for _, node in nodes_below(folder):
            if node.kind == "file":
                yield node


def _platform(head: bytes) -> Platform | None:
    if len(head) < _HEADER or head[:4] != b"\x7fELF":
        return None
    is_64, is_little = head[4] == 2, head[5] == 1
    order: Literal["little", "big"] = "little" if is_little else "big"
    machine = int.from_bytes(head[18:20], order)
    architecture = _MACHINES.get((machine, is_64, is_little))
    if architecture is None:
        return None
    if architecture != "arm":
        return Platform("linux", architecture)
    flags = int.from_bytes(head[36:40], order)
    return Platform("linux", "arm", "v7" if flags & _HARD_FLOAT else "v6")
