"""Read the dates that people and shops write."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_NUMERIC = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/., ]+(\d{4}|\d{2})(?:[T ].*)?")
_DAY_NAME = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ .-]+([A-Za-z]{3,9})\.?[ ,-]+(\d{4})(?: .*)?")
_NAME_DAY = re.compile(r"([A-Za-z]{3,9})\.? +(\d{1,2})(?:st|nd|rd|th)?,? +(\d{4})(?: .*)?")
_SECONDS = re.compile(r"\d{9,10}(?:\.0+)?")
_MILLISECONDS = re.compile(r"\d{12,13}")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def is_day_first(samples: Iterable[str]) -> bool:
    """Tell whether 03/04/2024 is the third of April, from dates of the same file.

    A first number above 12 can only be a day, a second one only follows a month. Without such
    evidence dots mean day first and slashes month first, as shops write them.
    """
    day_first = month_first = 0
    dotted = False
    for sample in samples:
        match = _NUMERIC.fullmatch(sample.strip())
        if match is None:
            continue
        day_first += int(match[1]) > 12
        month_first += int(match[2]) > 12
        dotted = dotted or "." in sample
    return day_first > month_first if day_first != month_first else dotted


def parse_date(raw: str, *, day_first: bool = False) -> date:
    """Return the day that `raw` names; raise ValueError with a sentence when it names none."""
    text = raw.strip()
    try:
        found = _parse(text, day_first=day_first)
    except (ValueError, OverflowError, OSError):
        found = None
    if found is None:
        raise ValueError(f'"{text[:60]}" is not a date; write it like 2024-01-31')
    return found


def _parse(text: str, *, day_first: bool) -> date | None:
    if match := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        return date(int(match[1]), int(match[2]), int(match[3]))
    if match := _NUMERIC.fullmatch(text):
        return _numeric(int(match[1]), int(match[2]), match[3], day_first=day_first)
    if match := _DAY_NAME.fullmatch(text):
        return date(int(match[3]), _month(match[2]), int(match[1]))
    if match := _NAME_DAY.fullmatch(text):
        return date(int(match[3]), _month(match[1]), int(match[2]))
    return _since_1970(text)


def _since_1970(text: str) -> date | None:
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), tz=UTC).date()
    if _MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, tz=UTC).date()
    return None


def _numeric(first: int, second: int, year: str, *, day_first: bool) -> date:
    if first > 12:
        day_first = True
    elif second > 12:
        day_first = False
    day, month = (first, second) if day_first else (second, first)
    whole = (
        int(year) if len(year) == 4 else 2000 + int(year) if int(year) < 70 else 1900 + int(year)
    )
    return date(whole, month, day)


def _month(name: str) -> int:
    return _MONTHS.index(name[:3].lower()) + 1
