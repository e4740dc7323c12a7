from pathlib import Path

import pytest

from ocilayout.errors import InvalidDocument
from ocilayout.registries.certificate_folders import (
    certificate_roots,
    certificates_in,
    folder_for,
)
from ocilayout.registries.trust import KeyPair


def filled(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text(name)
    return folder


def test_folders_are_those_of_podman_and_docker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert certificate_roots() == (
        Path("/home/me/.config/containers/certs.d"),
        Path("/etc/containers/certs.d"),
        Path("/etc/docker/certs.d"),
    )


def test_the_first_folder_that_exists_is_the_only_one(tmp_path: Path) -> None:
    roots = [tmp_path / name for name in "abc"]
    filled(roots[1] / "h.example:5000")
    filled(roots[2] / "h.example:5000")
    assert folder_for("h.example:5000", roots) == roots[1] / "h.example:5000"


@pytest.mark.parametrize("host", ["h.example", "h.example:500", "h.example:50000", "example:5000"])
def test_a_folder_is_for_its_exact_host_and_port(tmp_path: Path, host: str) -> None:
    filled(tmp_path / "h.example:5000")
    assert folder_for(host, [tmp_path]) is None


def test_authorities_and_pairs_are_told_by_their_names(tmp_path: Path) -> None:
    folder = filled(
        tmp_path / "h", "b.crt", "a.crt", "client.cert", "client.key", "README", "c.pem"
    )
    assert certificates_in(folder) == (
        (folder / "a.crt", folder / "b.crt"),
        (KeyPair(folder / "client.cert", folder / "client.key"),),
    )


@pytest.mark.parametrize(("here", "other"), [("x.cert", "x.key"), ("x.key", "x.cert")])
def test_half_a_pair_is_an_error(tmp_path: Path, here: str, other: str) -> None:
    folder = filled(tmp_path / "h", here, "y.cert", "y.key")
    with pytest.raises(InvalidDocument, match=rf"{here} needs {other} beside it"):
        certificates_in(folder)


def test_a_link_that_leads_nowhere_is_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = filled(tmp_path / "h", "a.crt")
    (folder / "redhat.crt").symlink_to("/absent/redhat.pem")
    assert certificates_in(folder)[0] == (folder / "a.crt",)
    assert "redhat.crt leads to no file" in caplog.messages[0]
