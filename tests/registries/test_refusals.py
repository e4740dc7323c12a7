import json
import ssl
from collections.abc import Iterator

import pytest

from ocilayout.commands.terminal.printing import printable
from ocilayout.errors import (
    AccessDenied,
    BlobNotFound,
    ImageNotFound,
    OciLayoutError,
    RegistryFailed,
)
from ocilayout.registries.http import Http
from ocilayout.registries.refusals import refusal, refused_content, refused_document
from ocilayout.spec import media_types
from ocilayout.spec.digest import Digest
from ocilayout.spec.documents import Document, Manifest, parse_document
from tests.images import make_image, make_index
from tests.servers import rogue as rogues
from tests.servers.faults import Fault, answering
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running

JSON = {"Content-Type": "application/json"}
DIGEST = Digest.of(b"content")
SHA512 = Digest.of(b"content", "sha512")


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


def refused(
    registry: OciRegistry,
    status: int,
    body: bytes | str = b"",
    what: Document | Digest | None = None,
    **headers: str,
) -> OciLayoutError:
    stated = {name.replace("_", "-"): value for name, value in headers.items()}
    registry.faults.append(Fault("*", "", answering(status, stated, body)))
    client = Http(lambda host: ssl.create_default_context())
    answer = client.send("GET", f"{registry.url}/v2/?token=secret", {})
    if isinstance(what, Digest):
        error = refused_content(answer, what, "take it")
    elif what is not None:
        error = refused_document(answer, what, "take it")
    else:
        error = refusal(answer, "take it")
    assert "secret" not in str(error)
    assert "\n" not in printable(str(error))
    return error


def document(family: str = "oci", **changes: object) -> Document:
    image = make_image(family=family)  # type: ignore[arg-type]
    raw = image.contents[image.descriptor.digest]
    return parse_document(image.descriptor, raw).with_fields(**changes)


def errors(code: str, message: str = "") -> str:
    return json.dumps({"errors": [{"code": code, "message": message}]})


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, errors("UNAUTHORIZED", "who?"), AccessDenied, "(401: who?): there is no such repo"),
        (403, errors("DENIED"), AccessDenied, "(403: DENIED): that may need another login"),
        (400, errors("DENIED"), AccessDenied, "another login: docker login, or name one by"),
        (404, errors("BLOB_UNKNOWN"), BlobNotFound, "cannot take it (404: BLOB_UNKNOWN): it has"),
        (404, errors("NAME_UNKNOWN"), ImageNotFound, "it has nothing of that name"),
        (413, b"", RegistryFailed, "refused to take it (413)"),
        (429, b"", RegistryFailed, "try again later"),
        (503, b"", RegistryFailed, "try again later"),
        (400, b"Client sent an HTTP request to an HTTPS server.\n", RegistryFailed, "speaks TLS"),
        (418, errors("TEAPOT", "short, stout"), RegistryFailed, "(418: short, stout)"),
    ],
)
def test_a_refusal_says_what_it_means(
    registry: OciRegistry, status: int, body: bytes | str, kind: type, said: str
) -> None:
    error = refused(registry, status, body, Content_Type="text/plain; charset=utf-8")
    assert type(error) is kind
    assert said in str(error)
    assert str(error).startswith(registry.host)


def test_a_redirect_of_what_is_sent_is_told_without_its_query(registry: OciRegistry) -> None:
    error = refused(registry, 307, Location="https://cdn.example/x?sig=secret")
    assert "it redirects to https://cdn.example/x, and only downloads follow" in str(error)


@pytest.mark.parametrize(
    "body",
    [b"<html>secret</html>", b"[1]", b'{"errors": 5}', b'{"errors": [1, {"code": 2}]}', b"\xff"],
)
def test_a_body_of_another_kind_is_not_shown(registry: OciRegistry, body: bytes) -> None:
    said = str(refused(registry, 400, body, Content_Type="text/html"))
    assert said.startswith(f"{registry.host} refused to take it (400")
    assert "html" not in said


def test_long_words_are_cut(registry: OciRegistry) -> None:
    said = str(refused(registry, 400, errors("X", "long " * 1000)))
    assert said.endswith("…)")
    assert len(said) < 600


def test_ten_megabytes_of_escapes_do_no_harm() -> None:
    client = Http(lambda host: ssl.create_default_context())
    with rogues.rogue("127.0.0.1:1", b"", rogues.loud_error) as host:
        error = refusal(client.send("GET", f"http://{host}/", {}), "take it")
    assert str(error).startswith(f"{host} refused to take it (403: [2J ]0;owned forged: line")
    assert str(error).isprintable()
    assert len(str(error)) < 700


@pytest.mark.parametrize("status", [400, 405, 406, 415])
def test_an_old_registry_is_told_of_dockers_types(registry: OciRegistry, status: int) -> None:
    hint = "say --media-types docker"
    for body in (
        b"",
        errors("MANIFEST_INVALID"),
        errors("MANIFEST_INVALID", "manifest invalid"),
        errors("UNSUPPORTED", "The operation is unsupported"),
        errors("X", f"unknown media type {media_types.OCI_MANIFEST}"),
    ):
        assert hint in str(refused(registry, status, body, document()))
        assert hint not in str(refused(registry, status, body, document(family="docker")))
        assert hint not in str(refused(registry, 403, body, document()))


@pytest.mark.parametrize(
    "body",
    [
        errors("MANIFEST_INVALID", "layer 3 is too large"),
        json.dumps({"errors": [{"code": "MANIFEST_INVALID", "detail": "no such layer"}]}),
        json.dumps({"message": "read only since yesterday"}),
        "read only since yesterday",
    ],
)
def test_where_a_reason_is_given_none_is_guessed(registry: OciRegistry, body: str) -> None:
    assert str(refused(registry, 400, body, document())).endswith(")")


def test_a_registry_may_not_take_other_digests(registry: OciRegistry) -> None:
    body = errors("DIGEST_INVALID", "provided digest did not match uploaded content")
    said = str(refused(registry, 400, body, SHA512))
    assert said.endswith("it does not take sha512 digests, another registry may")
    hint = "digests, another"
    assert hint not in str(refused(registry, 400, body, DIGEST))
    assert hint not in str(refused(registry, 503, body, SHA512))


def test_layers_with_urls_are_named_as_what_distribution_refuses(registry: OciRegistry) -> None:
    urls = ["https://layers.example/base.tar"]
    image = document()
    assert isinstance(image, Manifest)
    for changes in ({"urls": urls}, {"mediaType": media_types.OCI_NONDISTRIBUTABLE}):
        foreign = image.with_children(lambda child: child.edited(**changes))  # noqa: B023
        for status, body in ((500, errors("UNKNOWN", "unknown error")), (400, b""), (404, b"")):
            said = str(refused(registry, status, body, foreign))
            assert "validation.manifests.urls.allow" in said
            assert "--foreign own makes ordinary layers of them" in said
        for status in (401, 403, 412, 413, 429):
            assert "urls" not in str(refused(registry, status, b"", foreign))


def test_a_manifest_that_does_not_state_its_type_is_told_of_it(registry: OciRegistry) -> None:
    said = str(refused(registry, 405, errors("UNSUPPORTED"), document(mediaType=None)))
    assert said.endswith("which some registries want: --media-types oci writes it")


def test_an_index_of_two_families_is_told_of_it(registry: OciRegistry) -> None:
    index = make_index(make_image(family="docker"))
    mixed = parse_document(index.descriptor, index.contents[index.descriptor.digest])
    said = str(refused(registry, 400, errors("MANIFEST_INVALID", "no"), mixed))
    assert said.endswith("in an OCI index: --media-types oci changes them")
