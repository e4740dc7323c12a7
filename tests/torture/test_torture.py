"""The harness, sampled: `scripts/torture` tries all of it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.torture import evidence, growth, parts, tracing
from tests.torture import space as spaces
from tests.torture import writers as crowds
from tests.torture.faults import failed
from tests.torture.faults import faults as faults_of
from tests.torture.fuzz import by_hypothesis
from tests.torture.kill import Clean, killed
from tests.torture.order import Disk
from tests.torture.parsers import PARSERS

ROOT = Path(__file__).parents[2]
SAMPLE = parts.Effort(step=61)

pytestmark = pytest.mark.xdist_group("torture")
needs_strace = pytest.mark.skipif(
    not tracing.works(), reason="strace is not installed, or not allowed here"
)


@pytest.fixture(scope="module")
def runs() -> Iterator[list[Clean]]:
    """Every command, run once without a fault."""
    with parts.clean_runs() as found:
        yield found


@needs_strace
def test_a_command_that_is_killed_breaks_nothing_and_can_be_run_again(runs: list[Clean]) -> None:
    points = ((clean, point) for clean in runs for point in clean.points)
    tried, problems = parts.tried(points, killed, SAMPLE)
    assert problems == ()
    assert tried > 5


@needs_strace
def test_a_call_that_fails_ends_in_one_line_and_changes_nothing(runs: list[Clean]) -> None:
    wanted = ((clean, fault) for clean in runs for fault in faults_of(clean))
    tried, problems = parts.tried(wanted, failed, replace(SAMPLE, step=173))
    assert problems == ()
    assert tried > 5


@needs_strace
def test_nothing_is_named_before_it_is_durable(runs: list[Clean]) -> None:
    assert parts.too_early(runs) == []


@needs_strace
@pytest.mark.parametrize("file", [".partial", "/blobs/sha256", "/layout"])
def test_syncs_that_are_left_out_are_seen(runs: list[Clean], file: str) -> None:
    clean = next(run for run in runs if run.command.name == "convert into a layout")
    left = [c for c in clean.calls if c.name != "fsync" or f"{file}>)" not in c.text]
    assert len(left) < len(clean.calls)
    assert list(Disk(clean.worked).problems(left)) != []


@needs_strace
@pytest.mark.parametrize("target", ["oci-archive:copy.tar", "oci:copy"])
def test_a_disk_that_fails_while_a_file_grows_leaves_nothing(tmp_path: Path, target: str) -> None:
    growth.large_layout(tmp_path, growth.GIB // 16)
    arguments = ("convert", "layout", target, "--compression", "none")
    fault = "fdatasync:error=EIO:when=1"
    done = tracing.traced(arguments, tmp_path, calls={"fdatasync"}, inject=fault)
    assert done.code == 1
    assert "Input/output error" in done.err
    assert done.err.count("error: ") == 1
    assert evidence.seen(tmp_path / "copy") == evidence.seen(tmp_path / "copy.tar") == {}
    assert evidence.leftovers(tmp_path) == []


def test_a_disk_that_is_too_small_holds_all_or_nothing(tmp_path: Path) -> None:
    if not spaces.may_mount():
        pytest.skip("disks cannot be mounted here")
    image = spaces.large_image(tmp_path)
    limits = list(spaces.limits())
    for number, output in enumerate(spaces.outputs()[::2]):
        assert spaces.attempt(image, output, limits[number * 9], tmp_path).problems == ()


def test_of_many_writers_none_loses_a_name_and_readers_see_no_half_state(tmp_path: Path) -> None:
    seen = crowds.crowd(tmp_path, processes=8, rounds=1, readers=1)
    assert (seen.found, seen.problems) == (8, ())


def test_memory_does_not_grow_with_a_layer(tmp_path: Path) -> None:
    growth.large_layout(tmp_path, growth.GIB // 4)
    for arguments in growth.LARGE:
        assert list(growth.costly(growth.memory(arguments, tmp_path))) == []


@pytest.mark.parametrize("grown", growth.GROWTHS[1::3], ids=lambda grown: grown.name)
def test_twice_as_much_takes_twice_as_long(grown: growth.Growth, tmp_path: Path) -> None:
    few = replace(grown, counts=tuple(count // 5 for count in grown.counts[1:]))
    # A processor that is slowed for a while makes one look too long; what is steep stays steep.
    looks = (growth.costs(few, tmp_path / str(attempt)) for attempt in range(3))
    assert any(not list(growth.steeper(costs)) for costs in looks)


@pytest.mark.parametrize("name", PARSERS)
def test_whatever_the_bytes_a_parser_says_so_in_an_error_of_ours(name: str) -> None:
    by_hypothesis(PARSERS[name], examples=60)


PROOF = re.compile(r"`((?:tests|scripts)/[^`]+)`")


def test_every_proof_that_is_named_is_there() -> None:
    text = (ROOT / "docs" / "reliability.md").read_text()
    proofs = PROOF.findall(text)
    assert len(proofs) > 20
    for proof in proofs:
        path, _, name = proof.partition("::")
        assert (ROOT / path.split()[0]).exists(), proof
        assert not name or f"def {name}(" in (ROOT / path).read_text(), proof
