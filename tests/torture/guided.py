"""A parser under atheris: python -m tests.torture.guided PARSER [OPTIONS...] [SEEDS]."""

import sys

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["ocilayout"]):
    from tests.torture.parsers import PARSERS

if __name__ == "__main__":
    parser = PARSERS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, parser)
    atheris.Fuzz()
