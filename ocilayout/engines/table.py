"""The one table of engines: from it options, help and `--for` are made."""

import re
from collections.abc import Iterable, Iterator

from ocilayout.engines.facts import Engine
from ocilayout.engines.rows.containerd import CONTAINERD, IMPORTERS
from ocilayout.engines.rows.docker import DOCKER
from ocilayout.engines.rows.podman import PODMAN
from ocilayout.engines.rows.registry import REGISTRY
from ocilayout.errors import UsageError

ENGINES = {engine.name: engine for engine in (*DOCKER, *CONTAINERD, PODMAN, *IMPORTERS, REGISTRY)}
ALL = "all"

_VERSION = re.compile(
    r"(?P<family>[a-z0-9]*[a-z])-v?(?P<version>\d+(\.\d+)*)([^0-9.-][^-]*)?(-(?P<store>[a-z]+))?",
    re.ASCII,
)


def families() -> dict[str, list[Engine]]:
    """The rows of each family, the oldest first."""
    found: dict[str, list[Engine]] = {}
    for engine in ENGINES.values():
        found.setdefault(engine.family, []).append(engine)
    return found


def choices() -> tuple[str, ...]:
    """What `--for` names: rows, and families that have more than one."""
    several = [family for family, rows in families().items() if len(rows) > 1]
    return (*ENGINES, *several)


def engines_named(names: Iterable[str]) -> list[Engine]:
    """The rows that these names mean, once each; raises UsageError.

    A name is that of a row, of a family (all rows of it), a family with a version, or `all`.
    """
    wanted = {engine.name: engine for name in names for engine in _rows(name)}
    return list(wanted.values())


def engine_of(family: str, version: str, store: str = "") -> Engine:
    """The row for an engine that says its version; the oldest where that is no number."""
    rows = [row for row in families()[family] if row.store == store]
    found = re.match(r"v?(\d+(?:\.\d+)*)", version, re.ASCII)
    stated = _numbers(found[1]) if found else ()
    return next((row for row in reversed(rows) if row.first <= stated), rows[0])


def _rows(name: str) -> Iterator[Engine]:
    if name == ALL:
        yield from ENGINES.values()
    elif name in ENGINES:
        yield ENGINES[name]
    elif name in families():
        yield from families()[name]
    else:
        yield _row_of_version(name)


def _row_of_version(name: str) -> Engine:
    found = _VERSION.fullmatch(name)
    family, store = (found["family"], found["store"] or "") if found else ("", "")
    rows = [row for row in families().get(family, ()) if row.store == store]
    if found is None or not rows:
        raise UsageError(f"{name!r} is no engine that is known: {', '.join((*choices(), ALL))}")
    stated = _numbers(found["version"])
    row = next((row for row in reversed(rows) if row.first <= stated), None)
    if row is None:
        oldest = ".".join(map(str, rows[0].first))
        raise UsageError(f"{name}: nothing is known of versions of {family} before {oldest}")
    return row


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
