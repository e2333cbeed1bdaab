"""When the labelling is done if it goes on as it went, with an honest range. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist, fmean, stdev

#: Fewer days with labels than this say nothing about the days to come.
MIN_DAYS = 3
#: Beyond this nobody plans.
MAX_DAYS = 3 * 365
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True, slots=True)
class Forecast:
    """When it is done; without a day where there is nothing to say, for the reason in `words`.

    `early` and `late` hold the day in 95 of 100 cases in which days go on to differ as they did;
    `late` None: at the slow end of what was seen it is not done within three years.
    """

    words: str
    day: date | None = None
    early: date | None = None
    late: date | None = None


def forecast(*, counts: Sequence[int], left_count: int, today: date) -> Forecast:
    """Say when `left_count` labels are given, by the labels of each of the last whole days.

    The range takes in that few days were seen (Student's t) and that days differ.
    """
    if left_count <= 0:
        return Forecast("Nothing is left to label.")
    if sum(1 for count in counts if count) < MIN_DAYS:
        return Forecast(
            f"Too little to say: a forecast needs {MIN_DAYS} days with labels before today."
        )
    rate, n = fmean(counts), len(counts)
    needed = left_count / rate
    if needed > MAX_DAYS:
        return Forecast("At this pace it is not done within three years.")
    spread = student(n - 1) * stdev(counts) * math.sqrt(1 / n + 1 / max(1.0, needed))
    slow = left_count / (rate - spread) if rate > spread else math.inf
    return Forecast(
        "",
        day=_day(today, needed),
        early=_day(today, left_count / (rate + spread)),
        late=_day(today, slow) if slow <= MAX_DAYS else None,
    )


def _day(today: date, days: float) -> date:
    return today + timedelta(days=math.ceil(days))


def student(freedom: int) -> float:
    """Return the 97.5 % point of Student's t.

    Exact for 1 and 2 degrees of freedom; above, the expansion of Cornish and Fisher (Abramowitz
    and Stegun, 26.7.5), right to 1 %.
    """
    if freedom == 1:
        return math.tan(math.pi * 0.475)
    if freedom == 2:
        return 0.95 * math.sqrt(2 / (1 - 0.95**2))
    z, v = _Z, freedom
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
    )
