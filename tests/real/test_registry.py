"""Whole image files into docker's registry and back, alone and with other tools at one end.

They run over `samples/`, or over the folder that `--corpus` names.
"""

import hashlib
from pathlib import Path

from tests.real.artefacts import reading
from tests.real.command_line import assert_refused, ocilayout, succeed
from tests.real.engines import Podman
from tests.real.readers import Entry, read
from tests.real.test_corpus import picks
from tests.real.test_samples import FOLDER
from tests.real.tools import run_tool
from tests.servers.debian_registry import PASSWORD, USER, DebianRegistry

MULTI = FOLDER / "buildx-multi-attested.tar"
SKOPEO = ("--insecure-policy", "copy", "--quiet", "--all")


def contents(entry: Entry) -> object:
    """What may not change on the way."""
    return entry.digest, entry.images, entry.others


def through(image: str, place: str, folder: Path, *options: str) -> Entry:
    """What comes back of an image that was pushed and pulled."""
    succeed("push", image, place, *options)
    succeed("pull", place, f"oci:{folder}", *options)
    [back] = read(folder).entries
    return back


def test_every_image_comes_back_as_it_went(
    image_file: Path, plain_registry: DebianRegistry, tmp_path: Path
) -> None:
    repository, origin = plain_registry.repository(), reading(image_file)
    for number, (suffix, entry) in enumerate(picks(origin)):
        image, place = f"{image_file}{suffix}", f"docker://{repository}:{number}"
        if entry is not None and entry.missing:
            assert_refused(ocilayout("push", image, place))
            continue
        if entry is not None and not entry.images:
            # Of what speaks of an image, nobody can tell from here whether it may have a name.
            continue
        back = through(image, place, tmp_path / str(number))
        if entry is not None:
            assert contents(back) == contents(entry)
        else:
            assert {(found.config, found.diff_ids) for found in back.images} <= origin.images


def test_skopeo_pulls_what_was_pushed(
    image_file: Path, plain_registry: DebianRegistry, tmp_path: Path
) -> None:
    origin = reading(image_file)
    suffix, entry = picks(origin)[0]
    if entry is not None and (entry.missing or not entry.images):
        return
    place = f"docker://{plain_registry.repository()}:1"
    succeed("push", f"{image_file}{suffix}", place)
    folder = tmp_path / "skopeo"
    # Into an oci: folder, skopeo would write Docker's types anew as OCI's.
    run_tool("skopeo", *SKOPEO, "--src-tls-verify=false", place, f"dir:{folder}")
    [back] = read(folder).entries
    assert {(found.config, found.diff_ids) for found in back.images} <= origin.images
    if entry is not None:
        assert contents(back) == contents(entry)


def test_what_skopeo_pushed_is_pulled(
    image_file: Path, plain_registry: DebianRegistry, tmp_path: Path
) -> None:
    origin = reading(image_file)
    named_once = sum(entry.descriptors for entry in origin.entries) == 1
    if origin.dialect != "layout" or origin.missing or not named_once:
        return
    kind = "oci" if image_file.is_dir() else "oci-archive"
    place = f"docker://{plain_registry.repository()}:1"
    run_tool("skopeo", *SKOPEO, "--dest-tls-verify=false", f"{kind}:{image_file}", place)
    succeed("pull", place, f"oci:{tmp_path / 'out'}")
    [back] = read(tmp_path / "out").entries
    raw = run_tool("skopeo", "inspect", "--tls-verify=false", "--raw", place)
    assert back.digest == f"sha256:{hashlib.sha256(raw.encode()).hexdigest()}"
    assert read(tmp_path / "out").images == origin.images


def test_podman_pulls_what_was_pushed(plain_registry: DebianRegistry, podman: Podman) -> None:
    repository = plain_registry.repository()
    succeed("push", MULTI, f"docker://{repository}:1")
    [entry] = reading(MULTI).entries
    options = ("pull", "--quiet", "--tls-verify=false")
    for image in entry.images:
        pulled = podman.podman(*options, "--platform", image.platform, f"{repository}:1").strip()
        assert f"sha256:{pulled}" == image.config


def test_a_login_opens_the_registry(password_registry: DebianRegistry, tmp_path: Path) -> None:
    place = f"docker://{password_registry.repository()}:1"
    assert_refused(ocilayout("push", MULTI, place), password_registry.host)
    (tmp_path / "creds").write_text(f"{USER}:{PASSWORD}\n")
    back = through(str(MULTI), place, tmp_path / "out", f"--creds-file={tmp_path / 'creds'}")
    assert contents(back) == contents(reading(MULTI).entries[0])


def test_an_authority_of_its_own_is_trusted_when_named(
    tls_registry: DebianRegistry, tmp_path: Path
) -> None:
    place, creds = f"docker://{tls_registry.repository()}:1", f"--creds={USER}:{PASSWORD}"
    back = through(str(MULTI), place, tmp_path / "out", creds, f"--ca={tls_registry.trust}/ca.crt")
    assert contents(back) == contents(reading(MULTI).entries[0])
