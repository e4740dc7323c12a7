"""What podman calls an image, and which names end its load."""

import pytest

from ocilayout.engines.podman_names import podman_name, podman_tag
from ocilayout.engines.questions import Refusal

DIGEST = f"sha256:{'a' * 64}"

NAMES = {
    "app:1": "localhost/app:1",
    "lab/app:Beta": "localhost/lab/app:Beta",
    "library/nginx:1": "localhost/library/nginx:1",
    "localhost:5000/app:1": "localhost:5000/app:1",
    "docker.io/nginx:1": "docker.io/library/nginx:1",
    "index.docker.io/library/nginx:1": "docker.io/library/nginx:1",
    "docker.io/lab/app:1": "docker.io/lab/app:1",
    "Registry.Example/app:1": "Registry.Example/app:1",
    "192.0.2.7:5000/app:1": "192.0.2.7:5000/app:1",
}
WITHOUT_TAG = {
    "1.0": "localhost/1.0:latest",
    "app": "localhost/app:latest",
    "registry.example:5000/app": "registry.example:5000/app:latest",
}
NO_NAMES = [
    "Lab/App:1",
    "HOST/app:1",
    "UPPERCASE-IS-INVALID",
    "<none>:<none>",
    "a:b:c",
    "lab/my app:1",
    "[::1]:5000/app:1",
    "[2001:db8::1]/app:1",
    "1.0+build",
    "lab/a:1,lab/a:2",
    f"app:{'t' * 129}",
    f"registry.example/{'a' * 250}:1",
    "http://registry.example/app:1",
]


@pytest.mark.parametrize(("written", "expected"), [*NAMES.items(), *WITHOUT_TAG.items()])
def test_an_oci_name_is_filled_in(written: str, expected: str) -> None:
    assert podman_name(written) == expected


@pytest.mark.parametrize(("written", "expected"), NAMES.items())
def test_a_tag_of_repo_tags_is_filled_in(written: str, expected: str) -> None:
    assert podman_tag(written) == expected


@pytest.mark.parametrize("written", NO_NAMES)
def test_what_is_no_reference_is_refused(written: str) -> None:
    for name in (podman_name, podman_tag):
        with pytest.raises(Refusal) as caught:
            name(written)
        assert repr(written) in caught.value.reason


@pytest.mark.parametrize("written", WITHOUT_TAG)
def test_repo_tags_have_a_tag(written: str) -> None:
    with pytest.raises(Refusal, match="does not contain a tag"):
        podman_tag(written)


@pytest.mark.parametrize("written", [f"app@{DIGEST}", f"app:1@{DIGEST}"])
def test_repo_tags_have_no_digest(written: str) -> None:
    with pytest.raises(Refusal, match="has a digest"):
        podman_tag(written)


def test_an_oci_name_may_pin_the_digest_of_its_own_image() -> None:
    assert podman_name(f"docker.io/lab/app@{DIGEST}", DIGEST) == f"docker.io/lab/app@{DIGEST}"
    with pytest.raises(Refusal, match="pins another digest"):
        podman_name(f"docker.io/lab/app@{DIGEST}", f"sha256:{'b' * 64}")


def test_capitals_are_told() -> None:
    with pytest.raises(Refusal, match="lower case"):
        podman_name("Lab/App:1")
