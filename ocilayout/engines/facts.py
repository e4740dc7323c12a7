"""What a row of the table of engines has: facts, each with its source.

A source is a file of a public repository, a thread, or `seen with` the version that was run.
"""

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Value = TypeVar("Value", covariant=True)
Words = frozenset[str]
Loader = Literal["docker", "containerd", "podman", "registry"]


@dataclass(frozen=True)
class Fact(Generic[Value]):
    """Something that is so, and how we know."""

    value: Value
    source: str


@dataclass(frozen=True)
class Engine:
    """One row of the table."""

    name: str
    """As `--for` has it."""
    family: str
    """What all versions of it are called together, and where its names with versions begin."""
    loader: Loader
    """Whose code reads the file: it decides what is looked at, the facts decide the rest."""
    command: str
    """How the file is handed to it."""
    outer: Fact[Words]
    """Codecs that the whole tar may be compressed with."""
    layers: Fact[Words]
    """Codecs that a layer may be compressed with."""
    systems: Fact[Words]
    """Operating systems whose images it takes; all where there are none."""
    platforms: Fact[Literal["one", "own", "all"]]
    """Of an image of several: the one in manifest.json, its machine's own, or all."""
    sparse: Fact[bool]
    """Whether an index may name what is not there."""
    nameless: Fact[bool]
    """Whether it keeps an image that has no name."""
    tag_alone: Fact[str]
    """What an image that has a tag and no repository is called."""
    referrers: Fact[bool]
    """Whether it keeps attestations, and other referrers."""
    artifacts: Fact[bool]
    """Whether it keeps what is no image."""
    refusal: Fact[str]
    """What it says of a tar that it does not recognize."""
    by_digest: Fact[bool] = Fact(False, "what has no name is stored by none")
    """Whether an image without a name is stored by its digest, by which nothing asks for it."""
    full_names: Fact[bool] = Fact(False, "a tag alone is filled in, or can be asked for")
    """Whether nothing ever asks for an image by less than its full name."""
    suffixes: Fact[dict[str, str]] | None = None
    """Where the name of a file decides how it is read: the codec for each suffix."""
    window: Fact[int] | None = None
    """Bytes that a zstd window may have outside."""
    most_layers: Fact[int] | None = None
    """How many layers an image may have, where that has a limit."""
    diff_ids: Fact[Words] | None = None
    """Algorithms that the diff ids of an image may have, where not all are taken."""
    ends_at: Fact[Words] = Fact(frozenset(), "each image is taken for itself")
    """What ends the load of all that is in a file: a `gap`, or an `artifact`."""
    forms: tuple[str, ...] = ("docker-archive",)
    """The transports that it takes, the best first."""
    ipv6_names: Fact[bool] = Fact(True, "distribution/reference:regexp.go, from v0.5.0")
    """Whether the registry of a name may be an IPv6 address."""
    importer: Literal["", "graphdriver", "image store", "transfer", "client"] = ""
    """Whose column of `rules` it has, if any."""
    empty: Fact[Literal["refused", "nothing kept"]] = Fact("refused", "it holds nothing to load")
    """What becomes of a file that lists no image."""
    first: tuple[int, ...] = ()
    """The first version that the row is about, up to that of the next row."""
    store: str = ""
    """Which of several stores it has, where the family has more than one."""

    @property
    def is_docker(self) -> bool:
        """Whether it is docker, with whichever store."""
        return self.family == "docker"
