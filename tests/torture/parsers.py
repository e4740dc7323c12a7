"""Every parser of what strangers send: whatever the bytes, OciLayoutError is all it raises."""

import io
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO, cast

from ocilayout.compression import codec_of, inflated
from ocilayout.errors import OciLayoutError
from ocilayout.registries.challenges import parse_challenges
from ocilayout.registries.http import Answer
from ocilayout.registries.login_files import login_in
from ocilayout.registries.origin import Origin, at_home, redirected, token_server
from ocilayout.registries.registry_config import settings_for
from ocilayout.registries.repository import _NEXT
from ocilayout.registries.retries import retry_after
from ocilayout.rootfs.changes import settings_of
from ocilayout.rootfs.layers import lay_over
from ocilayout.rootfs.tree import Tree
from ocilayout.spec import media_types, strict_json
from ocilayout.spec.config import ImageConfig
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Index, Manifest
from ocilayout.spec.platform import Platform
from ocilayout.spec.reference import Reference
from ocilayout.stores.places import parse_destination, parse_source
from ocilayout.streams import CHUNK
from ocilayout.tar_blocks import StreamBlocks
from ocilayout.tar_file import TarFile
from tests.images import encode, make_image, make_layer, make_source

_HOST = "registry.example"
_BASE = f"https://{_HOST}/v2/app/tags/list"


@dataclass(frozen=True)
class Parser:
    """What takes any bytes, and some that it likes."""

    parse: Callable[[bytes], object]
    seeds: tuple[bytes, ...]

    def __call__(self, content: bytes) -> None:
        """Raises what the parser must not raise, and nothing else."""
        try:
            self.parse(content)
        except OciLayoutError as error:
            message = str(error)
            assert message, "an error without a word"
            assert len(message) < 20_000, "an error that hands its input on"


def _text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    """As arguments and JSON bring text: any Unicode, and lone surrogates for other bytes."""
    return lambda content: parse(content.decode("utf-8", "surrogateescape"))


def _header(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    """As HTTP brings text."""
    return lambda content: parse(content.decode("latin-1"))


def _archive(content: bytes) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.flush()
        tar = TarFile(cast(BinaryIO, file), "a.tar")
        for name in tar.names():
            try:
                opened = tar.open(name)
            except OciLayoutError:
                continue
            with opened:
                while opened.read(CHUNK):
                    pass


def _layer(content: bytes) -> None:
    blocks = StreamBlocks(io.BytesIO(content), "a layer", vouched=True)
    lay_over(Tree("a layer"), blocks, 0)
    for _ in blocks.tail(0):
        pass


def _compressed(content: bytes) -> None:
    stream = inflated(io.BytesIO(content), codec_of(content[:8]), "a layer")
    left = 64 * CHUNK
    while left > 0 and (chunk := stream.read(CHUNK)):
        left -= len(chunk)


def _platform(text: str) -> None:
    assert Platform.parse(str(Platform.parse(text))) == Platform.parse(text)


def _links(text: str) -> None:
    link = _NEXT.match(text[:4096])
    for target in (text, *((link[1],) if link else ())):
        for check in (redirected, lambda base, there: at_home(base, there, "a next page")):
            try:
                there = check(_BASE, target)
            except OciLayoutError:
                continue
            assert Origin.of(there).scheme == "https"


def _retry_after(text: str) -> None:
    answer = SimpleNamespace(headers={"Retry-After": text})
    assert 0 <= retry_after(cast(Answer, answer)) <= 60


def _file(read: Callable[[Path], object], name: str) -> Callable[[bytes], object]:
    def parse(content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(content)
            read(path)

    return parse


def _login(path: Path) -> None:
    # A helper is a program, which no fuzzer shall start.
    if b"cred" not in path.read_bytes():
        login_in(path, _HOST, "team/app")


_IMAGE = make_image(layers=[make_layer("one"), make_layer("two", 300)])
_DOCUMENTS = [raw for raw in _IMAGE.contents.values() if raw.startswith(b"{")]
_MANIFEST = next(raw for raw in _DOCUMENTS if b'"layers":' in raw)
_CONFIG = next(raw for raw in _DOCUMENTS if b'"rootfs"' in raw)
_INDEX = make_source(_IMAGE.named(f"{_HOST}/app:v1")).index.raw
_TAR = make_layer("one", 700) + make_layer("two")
_NAMES = (b"demo", b"demo:v1", b"registry.example:5000/a/b:v1", b"a@sha256:" + b"0" * 64)
_AUTHS = encode({"auths": {_HOST: {"auth": "YW5uOnNlY3JldA=="}, "x": {"identitytoken": "t"}}})

PARSERS: Mapping[str, Parser] = {
    "tar": Parser(_archive, (_TAR, make_layer("one"))),
    "layer": Parser(_layer, (_TAR, make_layer("a/.wh.b"))),
    "compressed": Parser(_compressed, tuple(_IMAGE.contents.values())),
    "json": Parser(lambda raw: strict_json.parse(raw, "a document"), tuple(_DOCUMENTS)),
    "index": Parser(lambda raw: Index.parse_top(raw, "index.json"), (_INDEX,)),
    "manifest": Parser(
        lambda raw: Manifest.parse(media_types.OCI_MANIFEST, raw, "a manifest"), (_MANIFEST,)
    ),
    "config": Parser(lambda raw: ImageConfig.parse(raw, "a config"), (_CONFIG,)),
    "digest": Parser(_text(Digest.parse), (b"sha256:" + b"0a" * 32, b"sha512:" + b"f" * 128)),
    "reference": Parser(_text(Reference.parse), _NAMES),
    "platform": Parser(_text(_platform), (b"linux/arm/v7", b"windows/amd64:10.0.1", b"aarch64")),
    "source": Parser(_text(parse_source), (b"oci:a:v1", b"docker://registry.example/a", *_NAMES)),
    "destination": Parser(_text(parse_destination), (b"oci-archive:a.tar:v1", b"-", *_NAMES)),
    "challenges": Parser(
        _header(lambda text: parse_challenges([text])),
        (b'Bearer realm="https://a/token",service="a",scope="repository:b:pull", Basic realm=x',),
    ),
    "links": Parser(
        _header(_links),
        (
            b'</v2/app/tags/list?last=b&n=2>; rel="next"',
            b"https://registry.example:99/a",
            b"//[::1",
        ),
    ),
    "realm": Parser(
        _header(lambda text: token_server(_BASE, text)),
        (b"https://auth.registry.example/token", b"https://[auth.registry.example/token"),
    ),
    "retry-after": Parser(
        _header(_retry_after), (b"120", b"Wed, 21 Oct 2026 07:28:00 GMT", b"1 Jan 0001 00:00 -0000")
    ),
    "login file": Parser(_file(_login, "config.json"), (_AUTHS,)),
    "daemon.json": Parser(
        _file(lambda path: settings_for(_HOST, path), "daemon.json"),
        (b'{"insecure-registries": ["registry.example", "10.0.0.0/8"]}',),
    ),
    "buildkitd.toml": Parser(
        _file(lambda path: settings_for(_HOST, path), "buildkitd.toml"),
        (b'[registry."registry.example"]\nhttp = true\nca = ["a.pem"]\n',),
    ),
    "changes": Parser(
        _text(lambda text: settings_of([text])),
        (b'CMD ["a", "b"]', b"ENV a=b c=$a", b"EXPOSE 80/tcp", b"HEALTHCHECK --interval=5s CMD a"),
    ),
}
