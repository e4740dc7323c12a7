import pytest

from ocilayout.spec.schemas.formats import is_date_time, is_uri


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com",
        "https://example.com/",
        "https://example.com:8443/a/b;c=1?d=e&f=%2F#g/h?i",
        "https://user:secret@example.com/",
        "https://[2001:db8::7]/c=GB?objectClass?one",
        "https://[v1.fe80::a+en1]/",
        "file:///etc/hosts",
        "mailto:a@example.com",
        "urn:oasis:names:specification:docbook:dtd:xml:4.1.2",
        "a+b-c.1:",
        "tag:/a//b",
        "https://",
    ],
)
def test_uris(text: str) -> None:
    assert is_uri(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "value",
        "/path",
        "//example.com/a",
        "?query",
        "1http://example.com",
        "-a:b",
        ":b",
        "ht tp://example.com",
        "https://example.com/a b",
        "https://example.com/a\n",
        "https://example.com\\a",
        "https://example.com/<a>",
        'https://example.com/"a"',
        "https://example.com/{a}|^`",
        "https://example.com/%",
        "https://example.com/%4",
        "https://example.com/%4g",
        "https://example.com/ä",
        "https://example.com/#a#b",
        "https://example.com/[a]",
        "https://[2001:db8::7/",
        "https://[zz]/",
        "https://example.com:port/",
        "https://a@b@c/",
    ],
)
def test_no_uris(text: str) -> None:
    assert not is_uri(text)


@pytest.mark.parametrize(
    "text",
    [
        "1985-04-12T23:20:50.52Z",
        "1996-12-19T16:39:57-08:00",
        "1990-12-31T23:59:60Z",
        "1990-12-31T15:59:60-08:00",
        "1937-01-01T12:00:27.87+00:20",
        "2000-02-29T00:00:00Z",
        "2024-02-29T00:00:00.000000000000Z",
        "0000-02-29T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59+23:59",
        "2024-01-01t00:00:00z",
    ],
)
def test_dates_and_times(text: str) -> None:
    assert is_date_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024-01-01",
        "00:00:00Z",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-01-01T00:00Z",
        "2024-01-01T00:00:00.Z",
        "2024-01-01T00:00:00,5Z",
        "2024-01-01T00:00:00+0100",
        "2024-01-01T00:00:00+01",
        "2024-01-01T00:00:00+24:00",
        "2024-01-01T00:00:00+01:60",
        "2024-01-01T24:00:00Z",
        "2024-01-01T00:60:00Z",
        "2024-01-01T00:00:60Z",
        "2024-01-01T23:59:61Z",
        "1990-12-31T23:59:60-08:00",
        "2024-00-01T00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-00T00:00:00Z",
        "2024-04-31T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "24-01-01T00:00:00Z",
        "12024-01-01T00:00:00Z",
        "2024-1-1T00:00:00Z",
        "2024-01-01T00:00:00Z\n",
        "٢٠٢٤-01-01T00:00:00Z",
    ],
)
def test_no_dates_and_times(text: str) -> None:
    assert not is_date_time(text)
