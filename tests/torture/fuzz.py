"""P9: whatever the bytes, a parser ends soon, and in its result or in an error of ours."""

import importlib.util
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.program import ROOT
from tests.torture.parsers import PARSERS, Parser

SECONDS = 5.0
"""For one input: a hundred times what the slowest takes."""


def spoiled(seeds: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """One of the seeds, cut up and put together with other bytes in between."""
    piece = st.tuples(st.integers(0, 8192), st.integers(0, 8192), st.binary(max_size=24))

    def assemble(seed: bytes, pieces: list[tuple[int, int, bytes]]) -> bytes:
        content = seed
        for start, length, between in pieces:
            start %= len(content) + 1
            # As often a few bytes as many.
            length %= 4 if length % 2 else len(content) + 1
            content = content[:start] + between + content[start + length :]
        return content

    return st.builds(assemble, st.sampled_from(seeds), st.lists(piece, min_size=1, max_size=6))


def by_hypothesis(parser: Parser, examples: int) -> None:
    """Raises what the parser raises and must not, with the smallest input that shows it."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(st.one_of(spoiled(parser.seeds), st.binary(max_size=2048)))
    def ends_well(content: bytes) -> None:
        started = time.monotonic()
        parser(content)
        assert time.monotonic() - started < SECONDS

    ends_well()


def atheris_is_here() -> bool:
    """Whether the coverage-guided fuzzer can be used."""
    return importlib.util.find_spec("atheris") is not None


def by_atheris(name: str, seconds: int) -> str:
    """Fuzz in a process of its own; what it says at its end. Raises AssertionError."""
    with tempfile.TemporaryDirectory(prefix="torture-") as folder:
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        for number, seed in enumerate(PARSERS[name].seeds):
            (seeds / str(number)).write_bytes(seed)
        limits = [
            f"-max_total_time={seconds}",
            "-max_len=8192",
            "-timeout=20",
            "-rss_limit_mb=1024",
        ]
        done = subprocess.run(
            [sys.executable, "-m", "tests.torture.guided", name, *limits, str(seeds)],
            capture_output=True,
            errors="replace",
            cwd=ROOT,
            timeout=seconds + 120,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{name}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return next((line for line in reversed(done.stderr.splitlines()) if "Done" in line), "")
