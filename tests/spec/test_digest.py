import hashlib
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ocilayout.errors import InvalidDigest
from ocilayout.spec.digest import Digest

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        f"sha256:{HEX}",
        f"sha512:{HEX}{HEX}",
        "blake3:0f",
        "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564=",
        "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8",
    ],
)
def test_a_digest_prints_as_it_was_written(text: str) -> None:
    assert str(Digest.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "sha256",
        "sha256:",
        HEX,
        f":{HEX}",
        f"sha256:{HEX[:-1]}",
        f"sha256:{HEX}0",
        f"sha256:{HEX.upper()}",
        f"sha256:{HEX}\n",
        f"\nsha256:{HEX}",
        f" sha256:{HEX}",
        f"SHA256:{HEX}",
        f"sha512:{HEX}",
        f"sha256:{HEX[:-1]}g",
        f"sha256:{HEX[:-1]}\uff11",
        f"sha256:{HEX[:-1]}=",
        f"sha256::{HEX[1:]}",
        "sha256:../../../../../../../../../../../../../../../../../../../etc/passw",
        "../evil:abc",
        "a/b:abc",
        "foo:..",
        "foo:a/b",
        "foo:a.b",
        ".:abc",
        "a..b:abc",
        "a+:abc",
        "foo:abc\0",
        "foo:" + "a" * 600,
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidDigest):
        Digest.parse(text)


@settings(deadline=None, max_examples=300)
@given(st.text("a0:/.+_-=\n\0~ \\A", max_size=12))
@example("a:b")
def test_whatever_is_parsed_is_safe_as_a_file_name(text: str) -> None:
    with suppress(InvalidDigest):
        digest = Digest.parse(text)
        folder, algorithm, encoded = digest.blob_path.split("/")
        assert folder == "blobs"
        assert not {algorithm, encoded} & {"", ".", ".."}
        assert not set("\\\0\n ~") & set(digest.blob_path)
        assert Digest.parse(str(digest)) == digest


def test_a_digest_of_content_is_its_sha256() -> None:
    digest = Digest.of(b"content")
    assert digest == Digest.parse(f"sha256:{hashlib.sha256(b'content').hexdigest()}")
    assert digest.blob_path == f"blobs/sha256/{digest.encoded}"


def test_only_known_algorithms_are_verifiable() -> None:
    assert Digest.of(b"").verifiable
    assert Digest.parse(f"sha512:{HEX}{HEX}").verifiable
    assert not Digest.parse("blake3:0f").verifiable


def test_an_error_shows_little_of_a_text_without_end() -> None:
    with pytest.raises(InvalidDigest) as caught:
        Digest.parse("x" * 100_000)
    assert len(str(caught.value)) < 300
