"""Names and other text that steer a terminal, or pass for a path, an option or a second line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tests.hostile.cases import ACCEPT, EITHER, Case, Verdict, case, folder_of
from tests.hostile.images import REF_NAME, Files, changed, layout

TEXTS = {
    "escape": "\x1b[31mred\x1b[0m",
    "clipboard": "\x1b]52;c;aGk=\x07",
    "carriage-return": "good\rbad",
    "newline": "one\nerror: two",
    "nul": "a\0b",
    "delete": "a\x7fb",
    "c1": "a\x9b31mb",
    "bidi": "a\u202eb\u2066c\u200f",
    "line-separator": "a\u2028b",
    "parent": "../../../outside/planted",
    "absolute": "/outside/planted",
    "option": "--force",
    "tab": "a\tb",
    "space": "a b",
    "empty": "",
    "long": "x" * 5000,
    "at": "v1@sha256:00",
    "comma-list": "registry.example/a:1,registry.example/b:2",
}


def bare_name(text: str) -> Files:
    return layout(index=changed("manifests.0.annotations", {REF_NAME: text}))


def full_name(text: str) -> Files:
    note = {"io.containerd.image.name": text, REF_NAME: text}
    return layout(index=changed("manifests.0.annotations", note))


SHOWN = ("ls", "ls --json", "inspect --json", "inspect", "oci", "docker-archive")


def cases() -> Iterator[Case]:
    threat = "a name used as a path or an option, or that steers a terminal"
    for name, text in TEXTS.items():
        build = folder_of(partial(bare_name, text))
        yield case(f"ref-name-{name}", threat, build, EITHER, verbs=SHOWN[::2])
        build = folder_of(partial(full_name, text))
        yield case(f"full-name-{name}", threat, build, EITHER, verbs=SHOWN[1::2])
    threat = "text that steers a terminal"
    for name in ("escape", "newline", "c1", "bidi"):
        for place, (verdict, documents) in places(TEXTS[name]).items():
            build = folder_of(partial(layout, **documents))
            yield case(f"{place}-{name}", threat, build, verdict, verbs=SHOWN)


def places(text: str) -> dict[str, tuple[Verdict, dict[str, Any]]]:
    """Where a text may stand, and the layout that has it there."""
    pairs = {"x": text, text: "x"}
    return {
        "annotation": (ACCEPT, {"manifest": changed("annotations", pairs)}),
        "label": (ACCEPT, {"config": changed("config.Labels", pairs)}),
        "history": (ACCEPT, {"config": changed("history.0.created_by", text)}),
        "command": (ACCEPT, {"config": changed("config.Cmd", [text])}),
        "architecture": (EITHER, {"config": changed("architecture", text)}),
        "layer-type": (EITHER, {"manifest": changed("layers.0.mediaType", text)}),
        "entry-type": (EITHER, {"index": changed("manifests.0.mediaType", text)}),
        "unknown-key": (EITHER, {"index": changed(text.replace(".", ""), 5)}),
    }
