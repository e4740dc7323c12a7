"""Names: each engine has a grammar of its own, and fills in what is absent in its own way."""

from collections.abc import Iterator

from ocilayout.spec.names import IMAGE_NAME, REF_NAME
from tests.images import make_image, make_layer
from tests.real.kinds.files import Kind, docker_files, docker_kind, oci_kind

_HEX = "a" * 64
_TEXTS = {
    "full": "docker.io/lab/app:1",
    "short": "app:1",
    "two-parts": "lab/app:1",
    "port": "registry.example:5000/app:1",
    "host": "registry.example/lab/app:1",
    "localhost": "localhost/app:1",
    "localhost-port": "localhost:5000/app:1",
    "no-tag": "app",
    "port-no-tag": "registry.example:5000/app",
    "full-no-tag": "docker.io/lab/app",
    "capitals": "Lab/App:1",
    "capital-host": "Registry.Example/app:1",
    "capital-host-alone": "HOST/app:1",
    "capital-tag": "lab/app:Beta",
    "capital-tag-host": "docker.io/lab/app:Beta-2",
    "none": "<none>:<none>",
    "none-tag": "app:<none>",
    "three-parts": "a:b:c",
    "space": "lab/my app:1",
    "space-in-front": " app:1",
    "ipv6": "[::1]:5000/app:1",
    "ipv6-long": "[2001:db8::1]/lab/app:1",
    "ipv4": "192.0.2.7:5000/app:1",
    "docker-io-short": "docker.io/nginx:1",
    "index-docker-io": "index.docker.io/library/nginx:1",
    "library": "library/nginx:1",
    "docker-io-library": "docker.io/library/nginx:1",
    "digest": f"app@sha256:{_HEX}",
    "tag-digest": f"app:1@sha256:{_HEX}",
    "full-digest": f"docker.io/lab/app@sha256:{_HEX}",
    "full-tag-digest": f"docker.io/lab/app:1@sha256:{_HEX}",
    "empty": "",
    "long-tag": f"app:{'t' * 129}",
    "longest-tag": f"app:{'t' * 128}",
    "long-repository": f"registry.example/{'a' * 240}:1",
    "scheme": "http://registry.example/app:1",
    "double-slash": "registry.example//app:1",
    "ends-in-slash": "registry.example/:1",
    "dashes": "lab/my--app:1",
    "underscores": "lab/my__app:1",
    "three-underscores": "lab/my___app:1",
    "dash-at-end": "lab/app-:1",
    "dot-tag": "lab/app:.1",
    "hexadecimal": f"{'0123456789abcdef' * 4}:1",
    "hexadecimal-alone": "0123456789abcdef" * 4,
    "umlaut": "lab/äpp:1",
}
_OCI_TEXTS = {
    **_TEXTS,
    "tag": "1.0",
    "latest": "latest",
    "capital-word": "UPPERCASE-IS-INVALID",
    "two-names": "lab/a:1,lab/a:2",
    "at-index": "@0",
    "plus": "1.0+build",
}


def kinds() -> Iterator[Kind]:
    """A name of every form, in RepoTags, in `ref.name`, in containerd's annotation."""
    for label, text in _TEXTS.items():
        yield docker_kind(f"names-docker-{label}", [text])
    for label, text in _OCI_TEXTS.items():
        yield oci_kind(f"names-ref-{label}", make_image().annotated({REF_NAME: text}))
    for label in ("short", "no-tag", "capitals", "docker-io-short", "index-docker-io", "digest"):
        image = make_image().annotated({IMAGE_NAME: _TEXTS[label], REF_NAME: "1"})
        yield oci_kind(f"names-image-{label}", image)
    yield from _several()


def _several() -> Iterator[Kind]:
    yield docker_kind("names-docker-null", None)
    yield docker_kind("names-docker-none-listed", [])
    yield docker_kind("names-docker-two", ["docker.io/lab/app:1", "registry.example/app:2"])
    yield docker_kind("names-docker-good-and-bad", ["docker.io/lab/app:1", "Lab/App:2"])
    yield docker_kind("names-docker-bad-and-good", ["app", "docker.io/lab/app:1"])
    yield docker_kind("names-docker-twice", ["lab/app:1", "docker.io/lab/app:1"])
    yield oci_kind("names-oci-none", make_image())
    image = make_image()
    yield oci_kind("names-oci-two", image.named("docker.io/lab/app:1", "docker.io/lab/app:2"))
    other = {IMAGE_NAME: "docker.io/lab/app:1", REF_NAME: "docker.io/lab/other:2"}
    yield oci_kind("names-oci-differ", make_image().annotated(other))
    yield _two_images("names-docker-one-for-two", "docker.io/lab/app:1", "docker.io/lab/app:1")
    yield _two_images("names-docker-two-images", "docker.io/lab/app:1", "docker.io/lab/b:1")
    yield _two_images("names-docker-second-bad", "docker.io/lab/app:1", "b")
    yield _two_images("names-docker-first-bad", "b", "docker.io/lab/app:1")


def _two_images(name: str, first: str, second: str) -> Kind:
    one = docker_files([first])
    two = docker_files([second], layers=[make_layer("other")])
    entries = b",".join(files["manifest.json"].strip()[1:-1] for files in (one, two))
    return Kind(name, list({**one, **two, "manifest.json": b"[" + entries + b"]"}.items()))
