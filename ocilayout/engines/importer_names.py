"""What containerd's importer calls an image, and whether anything finds it by that name.

A name of index.json is stored as it is written (containerd:client/import.go, imageName); `ctr` puts
a date before a tag alone. docker, nerdctl and CRI ask for full names, `ctr` for what is stored.
"""

from dataclasses import dataclass

from ocilayout.engines.cargo import Entry
from ocilayout.engines.facts import Engine
from ocilayout.engines.grammar import familiar_name, is_found
from ocilayout.engines.outcomes import Verdict

_STORED = "moby:daemon/containerd/image_exporter.go, moby#49386; seen with docker 29"
_BLANK = "seen with containerd 2 of August 2026, which reports no error"


@dataclass(frozen=True)
class StoredNames:
    """Under which names an image is stored, and what that is worth."""

    verdict: Verdict
    names: tuple[str, ...]
    lost_names: tuple[str, ...] = ()
    """Which cannot be asked for, in words."""
    is_usable: bool = True
    """Whether it can be run by one of `names`."""
    reason: str = ""
    """Why it cannot be run, where that is the verdict."""
    source: str = ""


def names_in_store(entry: Entry, engine: Engine) -> StoredNames:
    """How an image is stored by the names of its entry."""
    if engine.is_docker:
        return _in_docker(entry)
    names = tuple(_imported(name, engine) for name in entry.names)
    if engine.importer == "transfer" and any(" " in name for name in names):
        reason = "its name has a space, and nothing is kept of it"
        return StoredNames("nothing kept", (), reason=reason, source=_BLANK)
    lost = tuple(name for name in names if not is_found(name, str(entry.digest)))
    told = tuple(f"the name, as nothing but ctr asks for {name}" for name in lost)
    if not engine.full_names.value:
        return StoredNames("loads", names, told)
    if not names:
        nameless = ("a name: it is stored by its digest, for which nothing asks",)
        return StoredNames("name lost", (), nameless, is_usable=False)
    verdict: Verdict = "name lost" if lost else "loads"
    return StoredNames(verdict, names, told, is_usable=len(lost) < len(names))


def _in_docker(entry: Entry) -> StoredNames:
    found = tuple(name for name in entry.names if is_found(name, str(entry.digest)))
    lost = tuple(name for name in entry.names if name not in found)
    if not lost:
        return StoredNames("loads", found)
    if not found:
        printed = ", ".join(familiar_name(name) for name in lost)
        reason = (
            f"docker will say that it loaded {printed}, and find no image by that name: index.json "
            f"has {', '.join(map(repr, lost))}, which is not the full name of an image"
        )
        return StoredNames("broken", (), reason=reason, source=_STORED)
    told = tuple(f"the name {name}, by which docker finds nothing" for name in lost)
    return StoredNames("name lost", found, told)


def _imported(name: str, engine: Engine) -> str:
    if any(sign in name for sign in "/:@"):
        return name
    return engine.tag_alone.value.format(tag=name)
