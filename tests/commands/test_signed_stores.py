"""Stores of cosign save and hauler, which list signatures under the name of their image."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ocilayout.spec.marks import KIND, SUBJECT, SUBJECT_DIGEST
from ocilayout.spec.names import IMAGE_NAME
from tests.attestations import make_referrer, make_saved_signature
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import Made, make_image, make_index, make_layer, make_source
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running
from tests.snapshots import tar_json

pytestmark = pytest.mark.usefixtures("quick_retries", "nobodys_logins")

AMD64, ARM64 = (
    make_image(platform, layers=[make_layer(platform)])
    for platform in ("linux/amd64", "linux/arm64")
)
NAME = "docker.io/team/app:1"
KINDS = {
    "dev.cosignproject.cosign/sigs": "sig",
    "dev.hauler/sigs": "sig",
    "dev.hauler/atts": "att",
    "dev.hauler/sboms": "sbom",
}


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


def image(made: Made, *names: str, kind: str = "image") -> Made:
    return made.annotated({KIND: f"dev.hauler/{kind}"}).named(*names)


def signature(of: Made, *names: str, kind: str = "dev.hauler/sigs", **more: str) -> Made:
    made = make_saved_signature(of, kind)
    return made.annotated({**made.descriptor.annotations, **more}).named(*names)


def store(folder: Path, *entries: Made) -> Path:
    return write_layout(folder / "store", make_source(*entries))


def signed_store(folder: Path) -> Path:
    return store(folder, image(AMD64, NAME), signature(AMD64, NAME))


def listed(place: Path) -> list[tuple[str, str, str]]:
    """Digest, kind and name of each entry of an index."""
    index = (
        json.loads((place / "index.json").read_bytes())
        if place.is_dir()
        else tar_json(place, "index.json")
    )
    return [
        (entry["digest"], notes.get(KIND, ""), notes.get(IMAGE_NAME, ""))
        for entry in index["manifests"]
        for notes in [entry.get("annotations", {})]
    ]


def digest(made: Made) -> str:
    return str(made.descriptor.digest)


SIGNED = [
    (digest(AMD64), "dev.hauler/image", NAME),
    (digest(signature(AMD64)), "dev.hauler/sigs", NAME),
]


@pytest.mark.parametrize("output", ["out.tar", "out", "oci-archive:out.oci"])
@pytest.mark.parametrize("picked", ["", ":team/app:1"])
def test_a_signed_image_is_converted_with_its_signature(
    ocilayout: CommandLine, tmp_path: Path, output: str, picked: str
) -> None:
    transport, colon, name = output.rpartition(":")
    path = tmp_path / name
    ocilayout.succeed("convert", f"{signed_store(tmp_path)}{picked}", f"{transport}{colon}{path}")
    # containerd gives a name to the last entry that has it.
    assert listed(path) == (SIGNED[::-1] if output == "out.tar" else SIGNED)


def test_two_signed_stores_become_one(ocilayout: CommandLine, tmp_path: Path) -> None:
    """cosign save writes no names: then a digest says whose signature is whose."""
    for made, folder in ((AMD64, "a"), (ARM64, "b")):
        source = make_source(made, signature(made, kind="dev.cosignproject.cosign/sigs"))
        write_layout(tmp_path / folder, source)
    ocilayout.succeed("convert", tmp_path / "a", tmp_path / "b", tmp_path / "out")
    index = json.loads((tmp_path / "out/index.json").read_bytes())
    subjects = {
        entry["digest"]: entry["annotations"].get(SUBJECT)
        for entry in index["manifests"]
        if KIND in entry.get("annotations", {})
    }
    assert subjects == {digest(signature(made)): digest(made) for made in (AMD64, ARM64)}


def test_a_layout_is_added_to_with_signatures(ocilayout: CommandLine, tmp_path: Path) -> None:
    out = write_layout(tmp_path / "out", make_source(ARM64.named(NAME), AMD64.named("other:1")))
    ocilayout.succeed("convert", signed_store(tmp_path), out)
    ocilayout.succeed("convert", signed_store(tmp_path), out)
    names = [(found, name) for found, _, name in listed(out)]
    other = "docker.io/library/other:1"
    signed = digest(signature(AMD64))
    assert sorted(names) == sorted(
        [(digest(AMD64), other), (digest(AMD64), NAME), (signed, NAME), (signed, other)]
    )


def test_a_new_name_is_that_of_the_signature_too(ocilayout: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ocilayout.succeed("convert", signed_store(tmp_path), out, "-t", "new:2")
    assert {name for _, _, name in listed(out)} == {"docker.io/library/new:2"}
    assert len(listed(out)) == 2


def test_a_signature_follows_tag_and_untag(ocilayout: CommandLine, tmp_path: Path) -> None:
    place = signed_store(tmp_path)
    ocilayout.succeed("tag", f"{place}:team/app:1", "new:2")
    ocilayout.succeed("untag", f"{place}:team/app:1")
    assert {name for _, _, name in listed(place)} == {"docker.io/library/new:2"}
    ocilayout.succeed("untag", f"{place}:new:2")
    assert {name for _, _, name in listed(place)} == {""}
    ocilayout.succeed("tag", f"{place}@{digest(AMD64)}", NAME)
    assert listed(place) == SIGNED
    ocilayout.succeed("untag", f"{place}:team/app:1", "--drop")
    assert listed(place) == []


def test_a_name_that_moves_leaves_the_signature_with_its_image(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    place = store(tmp_path, image(AMD64, NAME), signature(AMD64, NAME), image(ARM64, "other:1"))
    ocilayout.succeed("tag", f"{place}:other:1", NAME)
    assert [kind for _, kind, name in listed(place) if name == NAME] == ["dev.hauler/image"]
    assert digest(signature(AMD64)) in {found for found, _, _ in listed(place)}
    tree = ocilayout.succeed("inspect", f"{place}@{digest(AMD64)}", "--json").json
    referrers = [entry["digest"] for entry in tree["images"][0]["referrers"]]
    assert referrers == [digest(signature(AMD64))]


def test_a_signature_without_its_image_takes_no_name(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    place = store(tmp_path, signature(AMD64, NAME), image(ARM64, "other:1"))
    ocilayout.refuse(1, "has no image 'team/app:1'", "inspect", f"{place}:team/app:1")
    ocilayout.succeed("convert", place, tmp_path / "out")
    assert len(listed(tmp_path / "out")) == 2


def test_merged_images_keep_their_signatures(ocilayout: CommandLine, tmp_path: Path) -> None:
    for made, folder in ((AMD64, "a"), (ARM64, "b")):
        source = make_source(image(made, NAME), signature(made, NAME))
        write_layout(tmp_path / folder, source)
    out = tmp_path / "out"
    ocilayout.succeed("merge", tmp_path / "a", tmp_path / "b", "-o", out, "-t", "app:2")
    (top,) = ocilayout.succeed("inspect", f"{out}:app:2", "--json").json["images"]
    members = {
        member["digest"]: [referrer["digest"] for referrer in member["referrers"]]
        for member in top["members"]
    }
    assert members == {digest(made): [digest(signature(made))] for made in (AMD64, ARM64)}
    assert {name for _, _, name in listed(out)} == {"docker.io/library/app:2"}


@pytest.mark.parametrize(("kind", "suffix"), KINDS.items())
def test_a_signature_is_pushed_under_the_tag_that_cosign_looks_for(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, kind: str, suffix: str
) -> None:
    place = store(tmp_path, image(AMD64, NAME), signature(AMD64, NAME, kind=kind))
    ocilayout.succeed("push", place, f"docker://{registry.host}/x/y:7", "--referrers")
    assert registry["x/y"].tags == {
        "7": digest(AMD64),
        f"sha256-{AMD64.descriptor.digest.encoded}.{suffix}": digest(signature(AMD64)),
    }


def test_a_signature_of_a_changed_image_gets_the_tag_of_what_it_is_there(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    place = signed_store(tmp_path)
    target = f"docker://{registry.host}/x/y:7"
    ocilayout.succeed("push", place, target, "--referrers", "--compression", "zstd")
    tags = registry["x/y"].tags
    now = tags["7"].removeprefix("sha256:")
    assert now != AMD64.descriptor.digest.encoded
    assert set(tags) == {"7", f"sha256-{now}.sig"}


def test_the_signature_of_a_member_gets_the_tag_of_the_member(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    both = make_index(AMD64, ARM64)
    mark = signature(
        AMD64,
        NAME,
        kind=f"dev.hauler/sigs/{AMD64.descriptor.digest.encoded}",
        **{SUBJECT_DIGEST: digest(AMD64)},
    )
    place = store(tmp_path, image(both, NAME, kind="imageIndex"), mark)
    ocilayout.succeed("push", place, f"docker://{registry.host}/x/y:7", "--referrers")
    tag = f"sha256-{AMD64.descriptor.digest.encoded}.sig"
    assert registry["x/y"].tags == {"7": digest(both), tag: digest(mark)}


def test_a_referrer_that_hauler_marks_is_found_by_its_subject(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    bundle = make_referrer(AMD64)
    kind = f"dev.hauler/referrers/{bundle.descriptor.digest.encoded}"
    place = store(tmp_path, image(AMD64, NAME), bundle.annotated({KIND: kind}).named(NAME))
    ocilayout.succeed("push", place, f"docker://{registry.host}/x/y:7", "--referrers")
    assert registry["x/y"].tags == {"7": digest(AMD64)}
    assert digest(bundle) in registry["x/y"].manifests


@pytest.mark.parametrize("how", [["--all-tags"], []])
def test_signatures_stay_behind_unless_they_are_asked_for(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, how: list[str]
) -> None:
    target = f"docker://{registry.host}/x/y{'' if how else ':1'}"
    done = ocilayout.succeed("push", signed_store(tmp_path), target, *how)
    assert registry["x/y"].tags == {"1": digest(AMD64)}
    assert "referrers stay behind (1): --referrers takes them along" in done.err


@pytest.mark.parametrize("target", ["x/y", "x/"])
def test_all_images_are_pushed_with_their_signatures(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry, target: str
) -> None:
    other = "docker.io/team/app:2"
    place = store(
        tmp_path,
        image(AMD64, NAME),
        signature(AMD64, NAME),
        signature(ARM64, other),
        image(ARM64, other),
    )
    every = [] if target.endswith("/") else ["--all-tags"]
    destination = f"docker://{registry.host}/{target}"
    ocilayout.succeed("push", place, destination, "--referrers", *every)
    path = "x/team/app" if target.endswith("/") else target
    assert registry[path].tags == {
        "1": digest(AMD64),
        "2": digest(ARM64),
        f"sha256-{AMD64.descriptor.digest.encoded}.sig": digest(signature(AMD64)),
        f"sha256-{ARM64.descriptor.digest.encoded}.sig": digest(signature(ARM64)),
    }


def test_two_signatures_that_need_one_tag_are_refused(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    place = store(
        tmp_path,
        image(AMD64, NAME, "quay.io/team/app:1"),
        signature(AMD64, NAME),
        signature(ARM64, "quay.io/team/app:1"),
    )
    target = f"docker://{registry.host}/x/y:7"
    ocilayout.refuse(1, "both need the tag sha256-", "push", place, target, "--referrers")
    assert registry["x/y"].tags == {}


def test_signatures_are_listed_and_shown_below_their_image(
    ocilayout: CommandLine, tmp_path: Path
) -> None:
    other = "docker.io/team/app:2"
    both = make_index(AMD64, ARM64)
    of_member = signature(ARM64, other, **{SUBJECT_DIGEST: digest(ARM64)})
    place = store(
        tmp_path,
        signature(AMD64, NAME),
        of_member,
        image(both, other, kind="imageIndex"),
        image(AMD64, NAME),
    )
    done = ocilayout.succeed("ls", place)
    assert done.out.startswith(f"{place}: oci, 2 images, 2 referrers, ")
    names = [
        line[2:].split("  linux")[0].split("  referrer")[0].rstrip()
        for line in done.out.splitlines()[2:]
    ]
    assert names == [other, "  cosign signature", NAME, "  cosign signature"]
    images = ocilayout.succeed("ls", place, "--json").json["places"][0]["images"]
    assert [each["refers_to"] for each in images] == [None, digest(ARM64), None, digest(AMD64)]
    tree = ocilayout.succeed("inspect", place).out
    assert tree.count("referrer sha256:") == 2


def test_a_signature_that_is_picked_by_itself_bears_the_name_that_it_is_given(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    place = signed_store(tmp_path)
    alone = f"{place}@{digest(signature(AMD64))}"
    ocilayout.succeed("convert", alone, tmp_path / "out", "-t", "signature:1")
    name = "docker.io/library/signature:1"
    assert listed(tmp_path / "out") == [(digest(signature(AMD64)), "", name)]
    ocilayout.succeed("push", alone, f"docker://{registry.host}/x/y:7")
    assert registry["x/y"].tags == {"7": digest(signature(AMD64))}
    ocilayout.succeed("tag", alone, name)
    assert listed(place) == [*SIGNED, (digest(signature(AMD64)), "", name)]


def test_a_signature_without_its_image_is_pushed_with_a_warning(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    place = store(tmp_path, signature(AMD64, NAME), image(ARM64, "other:1"))
    target = f"docker://{registry.host}/x/y:7"
    done = ocilayout.succeed("push", place, target, "--referrers")
    assert "belongs to an image that is not here: it gets no tag" in done.err
    assert registry["x/y"].tags == {"7": digest(ARM64)}


def test_a_damaged_mark_is_told_in_one_line(ocilayout: CommandLine, tmp_path: Path) -> None:
    mark = signature(AMD64, NAME, **{SUBJECT_DIGEST: "sha256:../../etc"})
    place = store(tmp_path, image(AMD64, NAME), mark)
    ocilayout.refuse(1, "is not", "inspect", place)
