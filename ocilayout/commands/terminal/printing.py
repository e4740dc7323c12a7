"""How things are printed: text from images escaped, sizes for people, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress

import click


def printable(text: str) -> str:
    """`text` with everything escaped that is not plainly visible.

    Control characters, bidirectional overrides and lone surrogates come from whoever made the
    image, and would act on the terminal.
    """
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter.isprintable()
        else letter.encode("unicode_escape", "backslashreplace").decode()
        for letter in text
    )


def echo(text: str) -> None:
    """A line of data on standard output."""
    click.echo(printable(text))


def say_error(message: str) -> None:
    """The line on standard error that says what failed."""
    with suppress(OSError, ValueError):
        click.echo(f"error: {printable(message)}", err=True)


def echo_json(value: object) -> None:
    """A JSON document on standard output, in ASCII alone."""
    click.echo(json.dumps(value, indent=2))


def echo_bytes(content: bytes) -> None:
    """Exact bytes on standard output."""
    if sys.stdout is None:
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def echo_table(header: Sequence[str], rows: Iterable[Sequence[str]], indent: str = "") -> None:
    """Columns on standard output."""
    lines = [tuple(header), *(tuple(printable(cell) for cell in row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(f"{indent}{'  '.join(cells)}".rstrip())


def counted(count: int, noun: str) -> str:
    """A number of things, as in `1 blob` and `2 blobs`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def human_size(count: int) -> str:
    """Bytes as people read them: `1.4 MiB`."""
    if count < 1024:
        return f"{count} B"
    units = ("KiB", "MiB", "GiB", "TiB")
    power = min((count.bit_length() - 1) // 10, len(units))
    return f"{count / 1024**power:.1f} {units[power - 1]}"
