"""Dates as people write them, and draws from the hash of a text."""

from collections import Counter
from datetime import date

import pytest

from common.text import text_hash
from reviews.dates import is_day_first, parse_date
from reviews.splits import draw


@pytest.mark.parametrize(
    "raw",
    [
        "2024-01-31", "2024/1/31", "2024-01-31T10:00:00Z", "2024-01-31 10:00", "20240131",
        "31.01.2024", "31/1/24", "01/31/2024", "01 31, 2024", "31 January 2024", "31st Jan 2024",
        "Jan 31, 2024", "January 31 2024", "1706659200", "1706659200000", " 2024-01-31 ",
    ],
)  # fmt: skip
def test_a_date_is_read_in_the_forms_that_people_use(raw: str) -> None:
    assert parse_date(raw) == date(2024, 1, 31)


@pytest.mark.parametrize("raw", ["soon", "", "2024-13-01", "2024-02-30", "31 Foo 2024", "4", "-1"])
def test_what_is_no_date_says_so(raw: str) -> None:
    with pytest.raises(ValueError, match="is not a date"):
        parse_date(raw)


def test_an_unclear_date_is_read_as_the_file_writes_them() -> None:
    assert parse_date("03/04/2024", day_first=True) == date(2024, 4, 3)
    assert parse_date("03/04/2024", day_first=False) == date(2024, 3, 4)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (["03/04/2024", "25/04/2024"], True),
        (["03/04/2024", "04/25/2024"], False),
        (["03.04.2024"], True),
        (["03/04/2024"], False),
        ([], False),
    ],
)
def test_the_order_of_day_and_month_is_learned_from_the_file(
    samples: list[str], expected: bool
) -> None:
    assert is_day_first(samples) is expected


def test_the_same_text_is_always_drawn_alike() -> None:
    digest = text_hash("Lovely dress.")

    assert draw(digest, control_share=0.15) == draw(digest, control_share=0.15)


def test_the_shares_come_out_as_promised_and_independent_of_each_other() -> None:
    drawn = [draw(text_hash(f"review {n}"), control_share=0.15) for n in range(20_000)]

    splits = Counter(each.split for each in drawn)
    control = [each for each in drawn if each.is_control]
    in_test = sum(each.split == "test" for each in control) / len(control)
    assert splits["train"] / 20_000 == pytest.approx(0.70, abs=0.01)
    assert splits["validation"] / 20_000 == pytest.approx(0.15, abs=0.01)
    assert len(control) / 20_000 == pytest.approx(0.15, abs=0.01)
    assert in_test == pytest.approx(0.15, abs=0.02)
    assert all(0 <= each.priority < 1 for each in drawn)


def test_a_share_of_nothing_and_of_all_are_kept() -> None:
    digests = [text_hash(str(number)) for number in range(100)]

    assert not any(draw(each, control_share=0.0).is_control for each in digests)
    assert all(draw(each, control_share=1.0).is_control for each in digests)
