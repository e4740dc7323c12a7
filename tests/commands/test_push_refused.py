"""What `push` prints of registries that refuse: their reason, and no guess."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ocilayout.commands.terminal.wishes import CONNECTIONS
from tests.commands.conftest import CommandLine
from tests.image_files import write_layout
from tests.images import make_image, make_index, make_source
from tests.servers.faults import Fault, answering, lying
from tests.servers.oci_registry import OciRegistry
from tests.servers.site import running

IMAGE = make_image()
INDEX = make_index(IMAGE, make_image("linux/arm64")).named("docker.io/team/app:1")
JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
TAG = r"/manifests/1$"
BY_DIGEST = r"/manifests/sha256:"
UPLOADS = r"/blobs/uploads/$"
BLOB = r"digest=sha256"
PAGE = "<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body></body></html>"
PORTAL = "<html><head><title>Sonatype Nexus</title></head><body>Welcome</body></html>"


@pytest.fixture
def registry() -> Iterator[OciRegistry]:
    with running(OciRegistry()) as registry:
        yield registry


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "layout", make_source(INDEX))


def errors(code: str, message: str, detail: object = None) -> str:
    return json.dumps({"errors": [{"code": code, "message": message, "detail": detail}]})


SCHEMA = (
    "failed to parse manifest: manifest data does not match schema: "
    "'application/vnd.docker.distribution.manifest.v2+json' is not one of [...]"
)
REFUSALS = {
    "ecr-invalid": (
        *("PUT", BY_DIGEST, 405, JSON),
        errors("UNSUPPORTED", "Invalid parameter at 'ImageManifest': 'Invalid JSON syntax'"),
        "(405: Invalid parameter at 'ImageManifest': 'Invalid JSON syntax')\n",
    ),
    "ecr-no-repository": (
        *("POST", UPLOADS, 404, JSON),
        errors("NAME_UNKNOWN", "The repository with name 'team/app' does not exist"),
        "cannot begin an upload to team/app (404: The repository with name 'team/app' does not "
        "exist)\n",
    ),
    "nginx-too-large": (
        *("PUT", BLOB, 413, HTML),
        PAGE,
        "(413: Request Entity Too Large): send less at a time, with --chunk-size\n",
    ),
    "quay-invalid": (
        *("PUT", TAG, 400, JSON),
        errors("MANIFEST_INVALID", "manifest invalid", {"message": SCHEMA}),
        f"team/app:1 (400: manifest invalid: {SCHEMA})\n",
    ),
    "harbor-immutable": (
        *("PUT", TAG, 412, JSON),
        errors("PRECONDITION", "Failed to process request due to 'app:1' configured as immutable."),
        "team/app:1 (412: Failed to process request due to 'app:1' configured as immutable.)\n",
    ),
    "harbor-no-project": (
        *("POST", UPLOADS, 404, JSON),
        errors("NOT_FOUND", "project team not found: project team not found"),
        "(404: project team not found: project team not found)\n",
    ),
    "harbor-quota": (
        *("PUT", BLOB, 412, JSON),
        errors("PRECONDITION", "will exceed the configured upper limit of 10.0 GiB."),
        "(412: will exceed the configured upper limit of 10.0 GiB.)\n",
    ),
    "hub-lacks-a-blob": (
        *("PUT", BY_DIGEST, 400, JSON),
        errors("MANIFEST_BLOB_UNKNOWN", "blob unknown to registry", f"sha256:{'06' * 32}"),
        f"(400: blob unknown to registry: sha256:{'06' * 32})\n",
    ),
    "denied": (
        *("POST", UPLOADS, 403, JSON),
        errors("DENIED", "requested access to the resource is denied"),
        "(403: requested access to the resource is denied): that may need another login",
    ),
    "forbidden-for-another-reason": (
        *("POST", UPLOADS, 403, JSON),
        errors("READONLY", "read only since 10:00"),
        "(403: read only since 10:00)\n",
    ),
    "text": ("POST", UPLOADS, 507, {}, "no space\x1b[2J left", "(507: no space [2J left): try"),
}


@pytest.mark.parametrize("mode", REFUSALS)
def test_the_reason_that_a_registry_gives_is_printed(
    mode: str, ocilayout: CommandLine, image: Path, registry: OciRegistry
) -> None:
    method, path, status, headers, body, said = REFUSALS[mode]
    assert isinstance(headers, Mapping)
    answer = answering(int(str(status)), headers, str(body))
    registry.faults.append(Fault(str(method), str(path), answer, times=None))
    done = ocilayout.refuse(
        1, str(said).rstrip("\n"), "push", "-q", image, f"{registry.host}/team/app:1"
    )
    assert str(said) in done.err
    assert "<" not in done.err


def test_a_reason_is_printed_however_many_connections_fail(
    ocilayout: CommandLine, tmp_path: Path, registry: OciRegistry
) -> None:
    """The first failure hangs up the others, whose reasons would be lost."""
    layers = make_index(*(make_image(f"linux/p{number}") for number in range(8)))
    image = write_layout(tmp_path / "many", make_source(layers))
    answer = answering(403, JSON, errors("DENIED", "quota is used up" + " " * 60_000))
    registry.faults.append(Fault("POST", UPLOADS, answer, times=None))
    for _ in range(5):
        ocilayout.refuse(1, "quota is used up", "push", "-q", image, f"{registry.host}/team/app:1")


@pytest.mark.parametrize(("ping", "status"), [(200, 200), (404, 200), (503, 200), (404, 404)])
def test_a_server_that_shows_a_web_page_for_everything_is_no_registry(
    ping: int,
    status: int,
    ocilayout: CommandLine,
    image: Path,
    tmp_path: Path,
    registry: OciRegistry,
) -> None:
    registry.faults += [
        Fault("GET", r"/v2/$", answering(ping, HTML, PORTAL), times=None),
        Fault("*", "", answering(status, HTML, PORTAL), times=None),
    ]
    said = "answers with a web page (Sonatype Nexus): it is no registry"
    place = f"docker://{registry.host}/team/app"
    ocilayout.refuse(1, said, "push", "-q", image, f"{place}:1")
    ocilayout.refuse(1, said, "pull", "-q", f"{place}:1", tmp_path / "out.tar")
    ocilayout.refuse(1, said, "ls", place)
    assert not (tmp_path / "out.tar").exists()


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_a_server_that_says_yes_to_everything_is_no_registry(
    content_type: str, ocilayout: CommandLine, image: Path, registry: OciRegistry
) -> None:
    answer = answering(200, {"Content-Type": content_type}, "{}")
    registry.faults.append(Fault("*", "", answer, times=None))
    said = "did not take the manifest team/app:1: it answers 200, and a registry that keeps"
    ocilayout.refuse(1, said, "push", "-q", image, f"{registry.host}/team/app:1")


def test_a_registry_whose_empty_answers_are_called_web_pages_is_one(
    ocilayout: CommandLine, image: Path, registry: OciRegistry
) -> None:
    """Quay's framework calls every answer text/html that says nothing else."""
    for method in ("POST", "PATCH", "PUT"):
        registry.faults.append(Fault(method, "", lying(HTML), times=None))
    ocilayout.succeed("push", "-q", image, f"{registry.host}/team/app:1")
    # As many connections as find it out at once.
    assert 1 <= len(registry.seen("GET", "/v2/")) <= CONNECTIONS


def test_a_page_of_a_proxy_before_a_registry_is_passed_on(
    ocilayout: CommandLine, image: Path, registry: OciRegistry
) -> None:
    page = answering(404, HTML, "<title>404 Not Found</title>")
    registry.faults.append(Fault("POST", UPLOADS, page, times=None))
    said = "cannot begin an upload to team/app (404: Not Found)"
    ocilayout.refuse(1, said, "push", "-q", image, f"{registry.host}/team/app:1")


@pytest.mark.parametrize(("path", "what"), [(TAG, "the manifest team/app:1"), (BLOB, "the blob")])
@pytest.mark.parametrize("status", [200, 202, 204])
def test_only_created_means_that_something_is_kept(
    status: int, path: str, what: str, ocilayout: CommandLine, image: Path, registry: OciRegistry
) -> None:
    registry.faults.append(Fault("PUT", path, answering(status), times=None))
    done = ocilayout.refuse(1, what, "push", "-q", image, f"{registry.host}/team/app:1")
    assert (
        f"it answers {status}, and a registry that keeps what it was sent answers 201" in done.err
    )


@pytest.mark.parametrize(
    "digest", [f"sha256:{'0' * 64}", f"sha512:{'0' * 128}", "sha256:", "x\x9b"]
)
def test_a_manifest_that_is_kept_as_another_is_refused(
    digest: str, ocilayout: CommandLine, image: Path, registry: OciRegistry
) -> None:
    lie = lying({"Docker-Content-Digest": digest})
    registry.faults.append(Fault("PUT", TAG, lie, times=None))
    said = "which is not what it was sent"
    ocilayout.refuse(1, said, "push", "-q", image, f"{registry.host}/team/app:1")


def test_a_registry_that_states_no_digest_is_asked_for_the_manifest(
    ocilayout: CommandLine, image: Path, registry: OciRegistry
) -> None:
    registry.faults.append(Fault("PUT", TAG, answering(201), times=None))
    said = "says that it took the manifest team/app:1, and does not know sha256:"
    registry.faults.append(Fault("HEAD", BY_DIGEST, answering(404), times=None))
    registry.faults.append(Fault("GET", BY_DIGEST, answering(404), times=None))
    ocilayout.refuse(1, said, "push", "-q", image, f"{registry.host}/team/app:1")
    del registry.faults[1:]
    ocilayout.succeed("push", "-q", image, f"{registry.host}/team/app:1")
