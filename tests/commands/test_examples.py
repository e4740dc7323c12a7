"""The pages of the documentation: what they show is run, in order, and prints what they say."""

import contextlib
import importlib
import io
import itertools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ocilayout.commands import run
from tests.commands.conftest import CommandLine
from tests.commands.test_border import VERBS
from tests.program import ROOT, SAMPLES, surroundings

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WITH_EXAMPLES = [page for page in PAGES if "```console\n" in page.read_text(encoding="utf-8")]
FOR_A_SHELL = set("|<>&;*$")


def examples(page: Path) -> Iterator[tuple[str, str]]:
    """Each command of a page with what it prints there."""
    text = page.read_text(encoding="utf-8")
    for block in re.findall(r"^```console\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        for call in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = call.partition("\n")
            yield command, printed


def printed_by(command: str, folder: Path) -> str:
    """What a terminal would show of a command."""
    words = shlex.split(command)
    # With - the program writes to the file that is standard output, whatever Python has there.
    if words[0] == "ocilayout" and "-" not in words and not set(command) & FOR_A_SHELL:
        shown = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
        with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
            run(words[1:])
        shown.seek(0)
        return shown.read()
    program = f'ocilayout() {{ {shlex.quote(sys.executable)} -m ocilayout "$@"; }}\n'
    done = subprocess.run(
        ["sh", "-c", program + command.replace("…", "*")],
        cwd=folder,
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout


def pattern(printed: str) -> str:
    """A line … stands for any lines, in a line it stands for what was shortened."""
    lines = []
    for line in printed.splitlines(keepends=True):
        shortened = ".*".join(map(re.escape, line.split("…")))
        lines.append("(?:.*\n)*" if line.strip() == "…" else shortened)
    return "".join(lines)


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: page.name)
@pytest.mark.usefixtures("ocilayout")
def test_the_examples_of_a_page_print_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "samples").symlink_to(SAMPLES)
    monkeypatch.chdir(tmp_path)
    for command, printed in examples(page):
        shown = printed_by(command, tmp_path)
        assert re.fullmatch(pattern(printed), shown), f"{command}\n{shown}\ninstead of\n{printed}"


def calls(text: str) -> Iterator[str]:
    """The commands that are only named: inside a sentence or a table, or in what is not run."""
    yield from re.findall(r"`ocilayout ([a-z]+ [^`]+)`", text)
    for block in re.findall(r"^```sh\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
        yield from re.findall(r"^ocilayout (.+)$", block, flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_that_a_page_names_have_such_options(page: Path) -> None:
    for call in calls(page.read_text(encoding="utf-8")):
        assert parsed(shlex.split(call)), call


@pytest.mark.parametrize("verb", VERBS)
def test_the_example_of_a_verb_has_such_options(ocilayout: CommandLine, verb: str) -> None:
    words = shlex.split(ocilayout.succeed(verb, "--help").out.partition("Example: ")[2])
    start = words.index("ocilayout") + 1
    assert words[start] == verb
    assert parsed([*itertools.takewhile("|".__ne__, words[start:])])


def parsed(words: list[str]) -> click.Context:
    """A call of a verb, understood and not run; raises UsageError."""
    verb, *arguments = words
    module = importlib.import_module(f"ocilayout.commands.{verb}{'_' * (verb == 'import')}")
    command: click.Command = module.command
    return command.make_context(verb, arguments)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path, fragment in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", text):
        target = page.parent / path if path else page
        assert target.exists(), path
        if fragment:
            assert fragment in set(anchors(target)), f"{path}#{fragment}"


def anchors(page: Path) -> Iterator[str]:
    """What the headings of a page are called in links."""
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_page_is_linked_from_the_first() -> None:
    readme = PAGES[0].read_text(encoding="utf-8")
    for page in PAGES[1:]:
        assert f"(docs/{page.name})" in readme


def test_the_first_page_lists_every_verb(ocilayout: CommandLine) -> None:
    table = PAGES[0].read_text(encoding="utf-8").partition("## Verbs\n")[2].partition("\n\n###")[0]
    listed = re.findall(r"^\| `([a-z]+) ", table, flags=re.MULTILINE)
    groups = ocilayout.succeed("--help").out.partition("Show this message and exit.\n")[2]
    assert listed == re.findall(r"^  ([a-z]+) ", groups, flags=re.MULTILINE)
