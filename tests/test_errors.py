import re

from ocilayout import errors
from ocilayout.errors import IntegrityError, OciLayoutError, UsageError


def every_error() -> list[type[OciLayoutError]]:
    found = [OciLayoutError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return found


def test_the_tree_is_drawn_as_it_is() -> None:
    assert errors.__doc__ is not None
    drawn = re.findall(r"^[ │├└─]*([A-Z]\w+)(?: {2,}| \(\d\)|$)", errors.__doc__, re.MULTILINE)
    assert sorted(drawn) == sorted(kind.__name__ for kind in every_error())


def test_a_wrong_request_exits_with_2_and_all_else_with_1() -> None:
    assert {kind: kind.exit_code for kind in every_error()} == {
        kind: 2 if kind is UsageError else 1 for kind in every_error()
    }


def test_what_is_wrong_is_told_with_what_to_do_and_without() -> None:
    error = IntegrityError("a blob is damaged", remedy="fetch it again")
    assert str(error) == "a blob is damaged: fetch it again"
    assert error.text == "a blob is damaged"
    assert str(IntegrityError("a blob is damaged")) == "a blob is damaged"
