"""What the round trips share: the folder of image files that they run over, and its conversions."""

from pathlib import Path

import pytest

from ocilayout import notices
from ocilayout.registries import retries
from tests.real.artefacts import dialect, discover
from tests.real.conversions import FORMS, Conversions

SAMPLES = Path(__file__).parent.parent / "samples"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--corpus",
        type=Path,
        default=SAMPLES,
        metavar="DIR",
        help="image files to try in place of samples/: tars, layouts, dir: folders, at any depth",
    )


def pytest_runtest_setup() -> None:
    """What the library says is logged again, where an earlier test ran the command line."""
    notices.hear(None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`image_file` and `rootfs_file` stand for each file of the corpus, `form` for each format."""
    wanted = {"image_file", "rootfs_file"} & set(metafunc.fixturenames)
    for argument in wanted:
        corpus = Path(metafunc.config.getoption("corpus")).resolve()
        files = [
            path
            for path in discover(corpus)
            if (dialect(path) == "other") == (argument == "rootfs_file")
        ]
        # The tests of an engine go to one worker; without it, all tests of a file do, so that its
        # conversions are made once.
        grouped = not {"docker", "containerd", "podman"} & set(metafunc.fixturenames)
        metafunc.parametrize(argument, [_parameter(path, corpus, grouped) for path in files])
    if "form" in metafunc.fixturenames:
        metafunc.parametrize("form", FORMS)


def _parameter(path: Path, corpus: Path, grouped: bool) -> object:
    name = path.relative_to(corpus).as_posix()
    marks = [pytest.mark.xdist_group(name)] if grouped else []
    return pytest.param(path, id=name, marks=marks)


@pytest.fixture(scope="session")
def conversions(tmp_path_factory: pytest.TempPathFactory) -> Conversions:
    return Conversions(tmp_path_factory)


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has to ask a registry again, does so at once."""
    monkeypatch.setattr(retries, "FIRST", 0.001)
    monkeypatch.setattr(retries, "LONGEST", 0.02)


@pytest.fixture
def nobodys_logins(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs the tests may be logged in somewhere."""
    empty = str(tmp_path_factory.mktemp("config"))
    for name in ("HOME", "DOCKER_CONFIG", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, empty)
    for name in ("REGISTRY_AUTH_FILE", "OCILAYOUT_CREDS"):
        monkeypatch.delenv(name, raising=False)
