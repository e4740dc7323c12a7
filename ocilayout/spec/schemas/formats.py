"""The formats that our schemas name, checked whatever is installed.

jsonschema checks `uri` and `date-time` only where further packages are there, and says nothing
where they are not.
"""

import re
from calendar import monthrange

# The names are those of RFC 3986, appendix A.
_UNRESERVED_OR_SUB_DELIM = r"A-Za-z0-9\-._~!$&'()*+,;="
_PERCENT_ENCODED = r"%[0-9A-Fa-f]{2}"
_PCHAR = rf"(?:[{_UNRESERVED_OR_SUB_DELIM}:@]|{_PERCENT_ENCODED})"
_USERINFO = rf"(?:[{_UNRESERVED_OR_SUB_DELIM}:]|{_PERCENT_ENCODED})*"
_IP_LITERAL = rf"\[(?:[0-9A-Fa-f:.]+|v[0-9A-Fa-f]+\.[{_UNRESERVED_OR_SUB_DELIM}:]+)\]"
_REG_NAME = rf"(?:[{_UNRESERVED_OR_SUB_DELIM}]|{_PERCENT_ENCODED})*"
_AUTHORITY = rf"(?:{_USERINFO}@)?(?:{_IP_LITERAL}|{_REG_NAME})(?::[0-9]*)?"
_URI = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?://{_AUTHORITY}(?:/{_PCHAR}*)*|(?!//)(?:/|{_PCHAR})*)"
    rf"(?:\?(?:[/?]|{_PCHAR})*)?(?:\#(?:[/?]|{_PCHAR})*)?"
)
_TIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?"
    r"(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)


def is_uri(text: str) -> bool:
    """Whether it is a URI with its scheme (RFC 3986, appendix A)."""
    return _URI.fullmatch(text) is not None


def is_date_time(text: str) -> bool:
    """Whether it is a date and time with its offset (RFC 3339, section 5.6)."""
    match = _TIME.fullmatch(text)
    if match is None:
        return False
    sign = -1 if match[7] == "-" else 1
    year, month, day, hour, minute, second, zone_hour, zone_minute = (
        int(match[group] or 0) for group in (1, 2, 3, 4, 5, 6, 8, 9)
    )
    # The rule of leap years repeats every 400 years; Python's calendar starts with year 1.
    if not (1 <= month <= 12 and 1 <= day <= monthrange(year or 400, month)[1]):
        return False
    if hour > 23 or minute > 59 or zone_hour > 23 or zone_minute > 59:
        return False
    utc = (hour * 60 + minute - sign * (zone_hour * 60 + zone_minute)) % (24 * 60)
    return second < 60 or (second == 60 and utc == 24 * 60 - 1)
