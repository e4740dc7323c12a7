"""Talking to registries of the tests, with no login and no certificate of whoever runs them."""

import urllib.parse
from dataclasses import replace
from pathlib import Path

from ocilayout.copy_engine import transfer
from ocilayout.destination_options import DestinationOptions
from ocilayout.protocols import ImageSource
from ocilayout.registries.access import Access
from ocilayout.registries.credentials import Credentials
from ocilayout.registries.registry import Registries, Registry
from ocilayout.registries.repository import Repository
from ocilayout.registries.stated import Stated
from ocilayout.spec.names import renamed
from ocilayout.stores.places import registry_place
from ocilayout.stores.registry import open_destination
from tests.images import Made, MemorySource, make_source
from tests.servers.oci_registry import OciRegistry
from tests.servers.registry_content import Manifest
from tests.servers.site import Site

SECRET = "s3cr3t-of-ann"
ANN = {"ann": SECRET}


def access(host: str | None = None, **stated: object) -> Access:
    """What is known of registries: nothing, but ann's login for `host`."""
    logins = (Stated("a test", host, Credentials.of("ann", SECRET)),) if host else ()
    bare = Access(stated=logins, logins=(), certificate_roots=())
    return replace(bare, **stated)  # type: ignore[arg-type]


def repository(
    registry: Site, *, login: bool = False, writes: bool = False, **stated: object
) -> Repository:
    """`team/app` of a registry, as the client sees it."""
    known = access(registry.host if login else None, **stated)
    return Repository(Registry(registry.host, known), "team/app", writes=writes)


def fill(registry: OciRegistry, *images: Made, tag: str = "1", path: str = "team/app") -> None:
    """Put images into a registry by no protocol at all; the last one is under the tag."""
    held = registry[path]
    for image in images:
        for digest, content in image.contents.items():
            held.blobs[str(digest)] = content
        top = image.descriptor
        held.manifests[str(top.digest)] = Manifest(top.media_type, image.contents[top.digest])
        held.tags[tag] = str(top.digest)


def named(image: Made, registry: Site, tag: str = "1", path: str = "team/app") -> MemorySource:
    """A source with one image, under a name in that registry."""
    source = make_source(image)
    (entry,) = renamed(image.descriptor, [f"{registry.host}/{path}:{tag}"])
    index = source.index.with_fields(manifests=[dict(entry.fields)])
    return MemorySource(index, source.contents)


def push(
    source: ImageSource, registry: Site, known: Access | None = None, *, jobs: int = 1
) -> None:
    """Push to `team/app:1`."""
    place = registry_place(f"{registry.host}/team/app:1", "the test's")
    with Registries(known or access()) as registries:
        options = DestinationOptions(registries=registries)
        with open_destination(place, options) as destination:
            transfer(source, destination, jobs=jobs)


def holds(registry: OciRegistry, image: Made, path: str = "team/app") -> bool:
    """Whether every byte of an image is in a repository."""
    held = registry[path]
    found = {digest: manifest.raw for digest, manifest in held.manifests.items()} | held.blobs
    return all(found.get(str(digest)) == raw for digest, raw in image.contents.items())


def assert_was_told_nothing(site: Site, *secrets: str) -> None:
    """No request to this site had a login, a cookie or a secret in it."""
    for request in site.requests:
        assert "Authorization" not in request.headers
        assert "Cookie" not in request.headers
        told = urllib.parse.unquote_plus(f"{request.path} {request.query} {request.headers}")
        for secret in (SECRET, *secrets):
            assert secret not in told


def write_creds(folder: Path) -> Path:
    """A file with ann's login, which nobody else can read."""
    path = folder / "creds"
    path.write_text(f"ann:{SECRET}\n")
    path.chmod(0o600)
    return path
