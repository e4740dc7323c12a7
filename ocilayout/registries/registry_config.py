"""What docker's `daemon.json` and BuildKit's `buildkitd.toml` say of a registry.

Which of the two a file is shows in its first sign: no TOML starts with a brace. Sources:
moby/moby, registry/config.go; moby/buildkit, util/resolver. Docker also resolves names to compare
them with its networks; that would let a name server decide who needs no certificate, so here only
hosts that are addresses are compared.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ocilayout import notices
from ocilayout.errors import InvalidDocument, PlaceNotFound
from ocilayout.registries.certificate_folders import certificates_in
from ocilayout.registries.hosts import (
    canonical,
    is_in_a_network,
    literal_address,
    networks_in,
)
from ocilayout.registries.small_files import read_small
from ocilayout.registries.trust import KeyPair
from ocilayout.spec.fields import Fields
from ocilayout.spec.strict_json import parse_object

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Settings:
    """What a file says of one registry; None where it says nothing."""

    http: bool | None = None
    insecure: bool | None = None
    authorities: tuple[Path, ...] = ()
    pairs: tuple[KeyPair, ...] = ()


def settings_for(host: str, path: Path) -> Settings:
    """What the file says of a registry; raises PlaceNotFound and InvalidDocument."""
    try:
        raw = read_small(path)
    except FileNotFoundError:
        raise PlaceNotFound(f"{path}: there is no such file") from None
    if raw.lstrip().startswith(b"{"):
        return _by_docker(Fields(parse_object(raw, str(path)), str(path)), host)
    return _by_buildkit(Fields(_toml(raw, path), str(path)), host)


def _toml(raw: bytes, path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise InvalidDocument(f"{path} is not valid UTF-8") from None
    except RecursionError:
        raise InvalidDocument(f"{path} is nested too deeply") from None
    except tomllib.TOMLDecodeError as error:
        raise InvalidDocument(
            f"{path} is neither docker's daemon.json nor a buildkitd.toml: {error}"
        ) from None


def _by_docker(content: Fields, host: str) -> Settings:
    entries = [_without_scheme(text) for text in content.texts("insecure-registries")]
    if host in map(canonical, entries) or _is_in(host, entries, content.where):
        return Settings(http=True, insecure=True)
    return Settings()


def _without_scheme(text: str) -> str:
    return text.removeprefix("http://").removeprefix("https://")


def _is_in(host: str, entries: Sequence[str], where: str) -> bool:
    if literal_address(host) is None and networks_in(entries):
        notices.note(f"{where}: networks are compared with addresses; {host} is a name")
    return is_in_a_network(host, entries)


def _by_buildkit(content: Fields, host: str) -> Settings:
    registries = _table(content, "registry")
    if host not in registries.value:
        return Settings()
    table = _table(registries, host)
    found = [certificates_in(Path(text)) for text in table.texts("tlsconfigdir")]
    return Settings(
        _optional_boolean(table, "http"),
        _optional_boolean(table, "insecure"),
        (
            *map(Path, table.texts("ca")),
            *(path for authorities, _ in found for path in authorities),
        ),
        (*_pairs(table), *(pair for _, pairs in found for pair in pairs)),
    )


def _pairs(table: Fields) -> list[KeyPair]:
    entries = [
        Fields(entry, f"{table.path('keypair')}[{position}]")
        for position, entry in enumerate(table.optional_list("keypair"))
    ]
    return [KeyPair(Path(entry.text("cert")), Path(entry.text("key"))) for entry in entries]


def _table(content: Fields, key: str) -> Fields:
    return Fields(content.value.get(key, {}), content.path(key))


def _optional_boolean(table: Fields, key: str) -> bool | None:
    value = table.value.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise InvalidDocument(f"{table.path(key)} is neither true nor false")
