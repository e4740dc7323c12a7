import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.benchmarks import report, root_files
from scripts.benchmarks.archives import write_many_images
from scripts.benchmarks.jobs import Job, Plan
from scripts.benchmarks.report import Measured
from scripts.benchmarks.running import Contender, Result, RunFailed, Sample, measure
from tests.program import SAMPLES, program

JOB = Job("copy", "Copy", lambda work: Plan([], []), {"peer": 0.5})


def result(name: str, *walls: float, amount: float | None = None) -> Result:
    return Result(name, amount, [Sample(wall, wall, 1 << 20) for wall in walls])


def test_a_run_tells_time_and_memory() -> None:
    content = "x = b'x' * 60_000_000; import time; time.sleep(0.1)"
    [found] = measure([Contender("python", (sys.executable, "-c", content))], [], 1)
    assert found.median.wall >= 0.1
    assert 60_000_000 <= found.median.peak < 120_000_000


def test_a_run_that_fails_is_no_measurement() -> None:
    with pytest.raises(RunFailed, match="python ended with 3: because"):
        measure([Contender("python", (sys.executable, "-c", "print('because'); exit(3)"))], [], 1)


def test_outputs_are_gone_before_the_next_run(tmp_path: Path) -> None:
    output = tmp_path / "made"
    measure([Contender("mkdir", ("mkdir", str(output)), [output])], [], 2)
    assert not output.exists()


def test_a_ratio_is_that_of_the_medians() -> None:
    measured = Measured(JOB, [result("ocilayout", 1, 9, 3), result("peer", 4, 4, 5)])
    assert report.misses([measured]) == ["copy: 0.75 against peer, 0.5 at most"]
    assert "| peer | 4.00 s | 0.75 × | 0.5 × |" in report.markdown([measured], {}, {})


def test_growth_is_told_by_the_doubling() -> None:
    grown = [result("1", 1, amount=1), result("4", 9, amount=4)]
    measured = Measured(replace(JOB, grows="layers"), grown)
    assert report.misses([measured]) == ["copy: 3.00 against 4, 2.2 at most"]


def test_a_page_is_changed_between_its_marks_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.update(page, "new\n")
    assert page.read_text() == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"


def test_layers_have_about_the_size_that_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root_files, "ORIGIN", SAMPLES)
    layers = [tmp_path / "one", tmp_path / "two"]
    root_files.write_layers(layers, [300_000, 100_000])
    sizes = [layer.stat().st_size for layer in layers]
    assert sizes == [pytest.approx(300_000, rel=0.1), pytest.approx(100_000, rel=0.2)]


def test_a_layout_of_many_images_can_be_read(tmp_path: Path) -> None:
    write_many_images(tmp_path / "layout", 3, 2)
    listed = json.loads(program("ls", tmp_path / "layout", "--json").stdout)
    assert len(listed["places"][0]["images"]) == 3
