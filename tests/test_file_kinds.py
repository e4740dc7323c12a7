import gzip
import random
import shlex

import pytest

from ocilayout.errors import InvalidArchive, NotAnImage
from ocilayout.file_kinds import HEAD, kind_of, plain_name, refusal, shown
from tests.other_files import BINARIES, COMPRESS, DAMAGED, HTML, MARKED, TEXTS, at

NAMED = {**BINARIES, **TEXTS, **MARKED}


@pytest.mark.parametrize("kind", NAMED)
def test_a_file_is_named_by_its_first_bytes_whatever_its_name(kind: str) -> None:
    content, said = NAMED[kind]
    for path in ["stick/app.tar", "app.lz4", "two words.tgz", None]:
        error = refusal(content[:HEAD], path or "standard input", path)
        assert isinstance(error, NotAnImage)
        assert f"{path or 'standard input'} is " in str(error)
        assert said in str(error)
        assert "{" not in str(error)
        assert str(error).isprintable()


@pytest.mark.parametrize("kind", DAMAGED)
def test_what_was_cut_off_is_told_from_what_is_something_else(kind: str) -> None:
    content, said = DAMAGED[kind]
    error = refusal(content[:HEAD], "app.tar", "app.tar")
    assert said in str(error)
    assert str(error).endswith(": copy it again")
    assert isinstance(error, InvalidArchive)
    assert not isinstance(error, NotAnImage)


@pytest.mark.parametrize("kind", NAMED)
def test_what_is_compressed_is_decompressed_first_where_a_command_reads_it(kind: str) -> None:
    content, said = NAMED[kind]
    for codec in COMPRESS:
        text = str(refusal(content[:HEAD], "app.tar.gz", "app.tar.gz", codec))
        assert said.partition(":")[0] in text
        assert f", compressed with {codec}" in text
        advice = text.partition(f", compressed with {codec}: ")[2]
        if "app.tar.gz" in advice:
            assert advice.startswith(f"{codec} -dc app.tar.gz > FILE, then ")


@pytest.mark.parametrize("inner", COMPRESS)
@pytest.mark.parametrize("outer", COMPRESS)
def test_a_file_that_is_compressed_twice_is_told_with_the_command(outer: str, inner: str) -> None:
    head = COMPRESS[inner](b"x" * 1000)
    text = str(refusal(head, "app.tar.gz", "app.tar.gz", outer))
    assert "is compressed twice" in text
    assert f": {outer} -dc app.tar.gz > app.tar, and name that" in text


@pytest.mark.parametrize("kind", NAMED)
def test_any_beginning_of_a_file_has_a_message_of_one_line(kind: str) -> None:
    content, _ = NAMED[kind]
    for size in [*range(40), 100, 257, 262, 511, 512, 513, 1081, 1082]:
        error = refusal(content[:size], "app.tar", "app.tar")
        assert str(error).startswith("app.tar is ")
        assert "\n" not in str(error)


def test_a_file_of_no_kind_is_told() -> None:
    noise = random.Random(1).randbytes(HEAD)
    assert kind_of(noise) is None
    assert "of no kind that is known here" in str(refusal(noise, "app.tar", "app.tar"))


@pytest.mark.parametrize(
    "hostile",
    [
        b"<!---->" * 9000,
        b"<?xml?>" * 9000,
        b"# \n" * 20000,
        b"ARG \n" * 13000,
        (b"a" * 32 + b"  ") * 2000,
        b"\n" * HEAD,
        b"{" * HEAD,
        b'[{"Config":' * 6000,
        b"PK\x03\x04" + b"\xff" * 40,
    ],
)
@pytest.mark.timeout(5)
def test_a_head_that_was_made_to_be_slow_is_not(hostile: bytes) -> None:
    assert refusal(hostile[:HEAD], "app.tar", "app.tar")


def test_the_name_in_a_zip_archive_is_shown_only_where_it_can_be() -> None:
    head = bytearray(at(0, b"PK\x03\x04", fill=b"\0"))
    head[26:28] = (9).to_bytes(2, "little")
    head[30:39] = b"\x1b[2Ja.tar"
    assert "a zip archive: unzip" in str(refusal(bytes(head), "a", "a"))


def test_a_page_in_gzip_is_named_with_its_codec() -> None:
    assert gzip.decompress(COMPRESS["gzip"](HTML)) == HTML
    assert "sends instead of a file, compressed with gzip: look at it" in str(
        refusal(HTML, "a.tgz", "a.tgz", "gzip")
    )


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("app.tar.lz4", "app.tar"),
        ("app.lz4", "app.tar"),
        ("app", "app.tar"),
        ("app.tar", "app.plain.tar"),
        ("app.tgz", "app.plain.tar"),
        ("v1.d/app", "v1.d/app.tar"),
        ("my app.lz4", "'my app.tar'"),
        (None, "app.tar"),
    ],
)
def test_what_is_decompressed_never_gets_the_name_of_the_file(path: str, plain: str) -> None:
    assert plain_name(path) == plain
    assert shlex.split(plain)[0] != path


@pytest.mark.parametrize(
    ("path", "typed"),
    [("-x.tar", "./-x.tar"), ("a;rm b", "'a;rm b'"), ("a\nb", "FILE"), (None, "FILE")],
)
def test_a_path_is_shown_as_a_shell_takes_it(path: str | None, typed: str) -> None:
    assert shown(path) == typed
