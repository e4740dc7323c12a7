"""Options of the verbs that may speak to a registry, as one argument of the command."""

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from ocilayout.commands.terminal.options import PathType, all_of
from ocilayout.commands.terminal.verb import RegistryOption

if TYPE_CHECKING:
    from pathlib import Path

    from ocilayout.registries.registry import Registries
    from ocilayout.stores.places import Place


class Size(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    """Bytes, with K, M or G for their powers of 1024."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"([1-9][0-9]{0,11})([KMG]?)(?:i?B)?", str(value), re.ASCII | re.I)
        if match is None:
            self.fail(f"{value!r} is no size: write bytes, or as in 512K, 64M, 1G", param, ctx)
        return int(match[1]) * _UNITS[match[2].upper()]


F = TypeVar("F", bound=Callable[..., Any])
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_FILE = PathType(exists=True, dir_okay=False)


class RegistryWishes(NamedTuple):
    """How registries are to be spoken to, as the command line said."""

    creds: tuple[str, ...] = ()
    creds_file: "Path | None" = None
    ca: "Path | None" = None
    cert: "Path | None" = None
    key: "Path | None" = None
    insecure: bool = False
    plain_http: bool = False
    token_server: tuple[str, ...] = ()
    registry_config: "Path | None" = None
    allow_foreign: bool = False
    chunk_size: int | None = None

    @contextmanager
    def registries(self, places: "Sequence[Place]") -> "Iterator[Registries | None]":
        """The registries that a command names, open; None where it names none.

        Raises UsageError where options contradict one another, or a login fits several.
        """
        hosts = [place.reference.domain for place in places if place.is_registry]
        if not hosts:
            yield None
            return
        from ocilayout.registries.access import Access
        from ocilayout.registries.registry import Registries
        from ocilayout.registries.stated import stated_credentials

        access = Access(
            stated=stated_credentials(self.creds, self.creds_file),
            ca=self.ca,
            certificate=self.cert,
            key=self.key,
            insecure=self.insecure,
            plain_http=self.plain_http,
            token_servers=frozenset(self.token_server),
            configuration=self.registry_config,
            allow_foreign=self.allow_foreign,
            chunk_size=self.chunk_size,
        )
        with Registries(access.bound_to(hosts)) as registries:
            yield registries


_option = functools.partial(click.option, cls=RegistryOption)
_OPTIONS = all_of(
    _option(
        "--creds",
        multiple=True,
        metavar="[HOST=]USER:PASSWORD",
        help="Login for a registry; better in --creds-file, or in $OCILAYOUT_CREDS.  [default: "
        "what docker login and podman login have stored]",
    ),
    _option("--creds-file", type=_FILE, help="A file whose first line is [HOST=]USER:PASSWORD."),
    _option("--ca", type=_FILE, help="Authorities (PEM) to trust beside the system's."),
    _option("--cert", type=_FILE, help="Certificate (PEM) to show to the registry."),
    _option("--key", type=_FILE, help="The key of --cert, if it is not in the same file."),
    _option("--insecure", is_flag=True, help="TLS, but trust any certificate."),
    _option("--plain-http", is_flag=True, help="No TLS.  [default for registries on this machine]"),
    _option(
        "--token-server",
        multiple=True,
        metavar="HOST[:PORT]",
        help="A token server on another host that may get the login.",
    ),
    _option(
        "--registry-config",
        type=_FILE,
        help="A daemon.json or buildkitd.toml that says which registries are insecure or http.",
    ),
    _option(
        "--allow-foreign",
        is_flag=True,
        help="Fetch and send layers that may not be distributed, from wherever they say.",
    ),
    _option(
        "--chunk-size",
        type=Size(),
        help="Send blobs in requests of at most this many bytes, as in 64M.  [default: in one]",
    ),
)
_NAMES = RegistryWishes._fields


def registry(function: F) -> F:
    """The options of registries, given to the command as its argument `registry`."""

    @functools.wraps(function)
    def gathered(*arguments: Any, **options: Any) -> Any:
        wishes = RegistryWishes(**{name: options.pop(name) for name in _NAMES})
        return function(*arguments, registry=wishes, **options)

    decorated: F = _OPTIONS(gathered)
    return decorated
