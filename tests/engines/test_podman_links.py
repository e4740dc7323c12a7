"""Which links in a Docker archive podman follows."""

from pathlib import Path

import pytest

from ocilayout.engines.cargo import cargo_of
from ocilayout.engines.outcomes import Outcome
from ocilayout.engines.prediction import predict
from ocilayout.engines.table import ENGINES
from ocilayout.stores import open_place
from tests.real.kinds.files import LAYERS, Link, Members, docker_files, edited, tar_of

FILES = docker_files()
LAYER = next(name for name in FILES if name.endswith("/layer.tar"))
CONFIG = next(iter(FILES))


def outcomes(path: Path, members: Members) -> tuple[Outcome, ...]:
    path.write_bytes(tar_of(members))
    with open_place(str(path)) as opened:
        return predict(cargo_of(opened), ENGINES["podman"]).outcomes


def linked(name: str, link: Link) -> Members:
    return [("other", FILES[name]), *edited(FILES, [(name, link)])]


@pytest.mark.parametrize("name", ["manifest.json", CONFIG, LAYER])
def test_a_hard_link_is_an_empty_file_to_it(name: str, tmp_path: Path) -> None:
    (outcome,) = outcomes(tmp_path / "image.tar", linked(name, Link("other", is_hard=True)))
    assert outcome.verdict == "refused"
    assert "hard link" in outcome.reason


@pytest.mark.parametrize("name", ["manifest.json", CONFIG])
def test_a_symbolic_link_to_a_document_is_followed(name: str, tmp_path: Path) -> None:
    (outcome,) = outcomes(tmp_path / "image.tar", linked(name, Link("other")))
    assert outcome.loads


def test_a_layer_that_is_a_symbolic_link_is_not_read(tmp_path: Path) -> None:
    (outcome,) = outcomes(tmp_path / "image.tar", linked(LAYER, Link("../other")))
    assert "is a link" in outcome.reason


@pytest.mark.parametrize("is_first", [True, False])
def test_a_layer_that_an_image_before_it_has_may_be_a_link(is_first: bool, tmp_path: Path) -> None:
    other = docker_files(["docker.io/lab/b:1"], LAYERS[:1])
    renamed = {name.replace("/layer.tar", "x/layer.tar"): raw for name, raw in other.items()}
    manifest = renamed["manifest.json"].replace(b"/layer.tar", b"x/layer.tar")
    link = Link(f"../{LAYER}")
    second = [
        (name, link if name.endswith("/layer.tar") else raw)
        for name, raw in renamed.items()
        if name != "manifest.json"
    ]
    lists = [FILES["manifest.json"].strip()[1:-1], manifest.strip()[1:-1]]
    both = b"[" + b",".join(lists if is_first else lists[::-1]) + b"]"
    members = [*edited(FILES, [("manifest.json", both)]), *second]
    verdicts = [outcome.verdict for outcome in outcomes(tmp_path / "image.tar", members)]
    assert verdicts == (["loads", "loads"] if is_first else ["refused", "refused"])
