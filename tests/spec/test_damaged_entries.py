import json
from typing import Any

import pytest

from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index
from tests.images import encode, make_image

FIRST, SECOND = make_image("linux/amd64").descriptor, make_image("linux/arm64").descriptor
BROKEN: list[Any] = [
    None,
    "text",
    {"mediaType": media_types.OCI_MANIFEST},
    {**FIRST.fields, "size": "1"},
    {**FIRST.fields, "annotations": {"a": 1, "b": "c"}},
]


def index_of(*entries: object) -> Index:
    raw = encode({"schemaVersion": 2, "manifests": list(entries), "x": 1})
    return Index.parse_top(raw, "layout: index.json")


def listed(index: Index) -> list[Any]:
    found: list[Any] = json.loads(index.raw)["manifests"]
    return found


@pytest.mark.parametrize("broken", BROKEN, ids=repr)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_an_entry_that_is_no_descriptor_is_kept_beside_the_others(
    broken: Any, position: int
) -> None:
    entries = [dict(FIRST.fields), dict(SECOND.fields)]
    entries.insert(position, broken)
    index = index_of(*entries)
    assert index.children == (FIRST, SECOND)
    (damaged,) = index.damaged
    assert (damaged.position, damaged.value) == (position, broken)
    assert damaged.reason.startswith(f"index.json: manifests[{position}]")


@pytest.mark.parametrize("broken", BROKEN, ids=repr)
@pytest.mark.parametrize("position", [0, 1, 2])
def test_an_edit_of_the_others_leaves_it_where_it_stood(broken: Any, position: int) -> None:
    entries = [dict(FIRST.fields), dict(SECOND.fields)]
    entries.insert(position, broken)
    index = index_of(*entries)
    assert index.with_entries(index.children) is index
    changed = FIRST.with_annotations({"new": "1"})
    edited = index.with_children(lambda child: changed if child == FIRST else child)
    assert listed(edited) == [changed.fields if e == FIRST.fields else e for e in entries]
    assert [entry.value for entry in edited.damaged] == [broken]
    assert edited.children == (changed, SECOND)
    annotated = edited.with_fields(annotations={"a": "b"})
    assert (annotated.damaged, annotated.children) == (edited.damaged, edited.children)
    assert edited.with_entries([]).damaged[0].value == broken


def test_it_goes_where_it_is_dropped() -> None:
    index = index_of(None, dict(FIRST.fields), "text")
    first, second = index.damaged
    assert listed(index.without_damaged([first])) == [FIRST.fields, "text"]
    assert listed(index.without_damaged()) == [FIRST.fields]
    assert index.without_damaged([]) is index
    assert index.without_damaged([first]).damaged == (second._replace(position=1),)


def test_what_leads_to_damage_is_set_aside_with_its_bytes() -> None:
    index = index_of("text", dict(FIRST.fields), dict(SECOND.fields))
    aside = index.setting_aside({0: "it is damaged"})
    assert aside.raw == index.raw
    assert aside.children == (SECOND,)
    assert [(entry.position, entry.value) for entry in aside.damaged] == [
        (0, "text"),
        (1, FIRST.fields),
    ]
    assert listed(aside.with_entries([])) == ["text", FIRST.fields]
    assert aside.damaged[1].digest == FIRST.digest


def test_what_it_states_is_told_as_far_as_it_can_be() -> None:
    (damaged,) = index_of(
        {"digest": str(Digest.of(b"")), "annotations": {"a": 1, "b": "c"}}
    ).damaged
    assert damaged.digest == Digest.of(b"")
    assert damaged.annotations == {"b": "c"}
    (worse,) = index_of({"digest": "sha256:x", "annotations": []}).damaged
    assert (worse.digest, worse.annotations) == (None, {})
