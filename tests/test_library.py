"""The package as a library: its names, their documentation, and the examples of how to use them."""

import ast
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ocilayout
from tests.program import ROOT, SAMPLES, surroundings

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(
    r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", flags=re.DOTALL | re.MULTILINE
)


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", [name for name in ocilayout.__all__ if not name.isupper()])
def test_a_public_name_is_there_and_documented(name: str) -> None:
    found = getattr(ocilayout, name)
    assert found.__name__ == name
    # Not the docstring of a base class, nor the signature that a dataclass makes up.
    stated = vars(found).get("__doc__") or found.__doc__
    assert stated
    assert not stated.startswith(f"{name}(")
    assert inspect.cleandoc(stated)[0].isupper()


def test_public_names_are_listed_once_and_in_order() -> None:
    # Constants first, as isort has it.
    ordered = sorted(set(ocilayout.__all__), key=lambda name: (not name.isupper(), name))
    assert list(ocilayout.__all__) == ordered


def test_type_checkers_see_each_name_where_it_lives() -> None:
    tree = ast.parse((ROOT / "ocilayout" / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (part for part in tree.body if isinstance(part, ast.If))
    seen = {
        alias.asname: found.module
        for found in ast.walk(block)
        if isinstance(found, ast.ImportFrom)
        for alias in found.names
    }
    assert seen == {
        name: f"ocilayout.{home}" for home, names in ocilayout._HOMES.items() for name in names
    }


def test_every_public_function_says_its_types() -> None:
    for name in ocilayout.__all__:
        found = getattr(ocilayout, name)
        if inspect.isfunction(found):
            signature = inspect.signature(found)
            assert signature.return_annotation is not inspect.Signature.empty, name
            for parameter in signature.parameters.values():
                assert parameter.annotation is not inspect.Parameter.empty, name


def test_a_name_is_imported_when_it_is_first_used() -> None:
    code = "import json, sys, ocilayout; print(json.dumps(sorted(sys.modules)))"
    loaded = {name for name in json.loads(run_python(code)) if name.startswith("ocilayout.")}
    assert loaded == set()


def test_all_names_can_be_imported_at_once() -> None:
    code = "from ocilayout import *; print(len(dir()), callable(transfer))"
    assert run_python(code).endswith("True\n")


def test_other_names_are_no_attributes() -> None:
    with pytest.raises(AttributeError, match="'absent'"):
        _ = ocilayout.absent  # type: ignore[attr-defined,unused-ignore]


def test_the_package_is_typed() -> None:
    assert (ROOT / "ocilayout" / "py.typed").is_file()


def test_every_public_name_is_explained() -> None:
    prose = re.sub(r"^```.*?^```$", "", PAGE, flags=re.DOTALL | re.MULTILINE)
    shown = [*re.findall(r"`([^`]+)`", prose), *(code for code, _ in EXAMPLE.findall(PAGE))]
    assert set(ocilayout.__all__) <= set(re.findall(r"\w+", " ".join(shown)))


def test_the_example_of_the_readme_runs() -> None:
    (example,) = EXAMPLE.findall(README)
    promised = re.search(r"It prints `(sha256:[0-9a-f]+)…`", README)
    assert promised is not None
    assert run_python(example[0]).startswith(promised[1])


def test_the_examples_of_the_page_print_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "samples").symlink_to(SAMPLES)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code, printed in EXAMPLE.findall(PAGE):
        exec(compile(code, "docs/library.md", "exec"), names)
        assert re.fullmatch(
            ".*".join(map(re.escape, printed.split("…"))), capsys.readouterr().out, flags=re.DOTALL
        )
