"""Agreement in a folder of crowd labels, ours beside reference libraries': DATA=FOLDER.

The folder has one CSV file with the columns item, worker and label (others are left alone), such as
the textual entailment labels of Snow et al. (2008). Run as `python -m tests.bench.agreement_data`.
"""

import csv
import os
import sys
import time
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path

import krippendorff
import numpy as np
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from labelling import agreement, alpha, gwet, kappa
from labelling.bootstrap import Figure, Measure, figure
from labelling.ratings import ratings_of

#: Item to worker to label.
Table = dict[str, dict[str, str]]


def read(folder: Path) -> Table:
    """Return the labels of the folder's only CSV file."""
    (path,) = folder.glob("*.csv")
    table: Table = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            table.setdefault(row["item"], {})[row["worker"]] = row["label"]
    return table


def compare(table: Table) -> Iterator[tuple[str, Figure, float | None, float]]:
    """Yield measure, our figure, the reference's and our seconds, 1,000 resamples included."""
    items = [list(people.values()) for people in table.values()]
    labels = sorted({label for item in items for label in item})
    workers = sorted({who for people in table.values() for who in people})
    codes = np.array(
        [
            [labels.index(people[who]) if who in people else np.nan for people in table.values()]
            for who in workers
        ]
    )
    equal = [one == other for item in items for one, other in combinations(item, 2)]
    yield _timed("equal answers", lambda: agreement.percent(ratings_of(items)), np.mean(equal))
    yield _timed(
        "Krippendorff's alpha, nominal (krippendorff)",
        lambda: alpha.nominal_alpha(ratings_of(items)),
        krippendorff.alpha(codes, level_of_measurement="nominal"),
    )
    if len({len(item) for item in items}) == 1:  # which is all that statsmodels knows
        counts = [[item.count(label) for label in labels] for item in items]
        yield _timed(
            "Fleiss' kappa (statsmodels)",
            lambda: kappa.fleiss_kappa(ratings_of(items)),
            inter_rater.fleiss_kappa(np.array(counts)),
        )
    yield _timed("Gwet's AC1", lambda: gwet.ac1(ratings_of(items)), None)
    for (one, other), pairs in busiest(table)[:3]:
        yield _timed(
            f"Cohen's kappa of {one} and {other} (scikit-learn)",
            lambda pairs=pairs: kappa.cohen_kappa(pairs),  # type: ignore[misc]  # typed by use
            cohen_kappa_score(*zip(*pairs, strict=True)),
        )


def busiest(table: Table) -> list[tuple[tuple[str, str], list[tuple[str, str]]]]:
    """Return the pairs of workers with what both said, those with most items first."""
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for people in table.values():
        for one, other in combinations(sorted(people), 2):
            found.setdefault((one, other), []).append((people[one], people[other]))
    return sorted(found.items(), key=lambda each: (-len(each[1]), each[0]))


def _timed(
    name: str, build: Callable[[], Measure], reference: "float | np.floating | None"
) -> tuple[str, Figure, float | None, float]:
    begin = time.perf_counter()
    found = figure(build())
    seconds = time.perf_counter() - begin
    return name, found, None if reference is None else float(reference), seconds


def main() -> int:
    """Print the table; 2 without data."""
    folder = os.environ.get("DATA")
    if not folder:
        sys.stderr.write("Say where the labels are: DATA=FOLDER.\n")
        return 2
    table = read(Path(folder))
    labels = sum(map(len, table.values()))
    workers = len({who for people in table.values() for who in people})
    sys.stdout.write(f"{len(table):,} items, {workers:,} workers, {labels:,} labels\n")
    for name, ours, reference, seconds in compare(table):
        interval = f"{ours.low:.4f} to {ours.high:.4f}" if ours.low is not None else "no interval"
        other = "–" if reference is None else f"{reference:.6f}"
        shown = "–" if ours.value is None else f"{ours.value:.6f}"
        sys.stdout.write(
            f"  {name:<46} {shown:>10} {other:>10}  {interval}  n {ours.item_count:,}"
            f"  {1000 * seconds:.0f} ms\n"
        )
    everybody = busiest(table)
    apart = [
        abs(value - cohen_kappa_score(*zip(*pairs, strict=True)))
        for _, pairs in everybody
        if (value := figure(kappa.cohen_kappa(pairs), resamples=0).value) is not None
    ]
    sys.stdout.write(
        f"  of {len(everybody):,} pairs of workers, {len(apart):,} have a defined Cohen's kappa; "
        f"the furthest from scikit-learn's is {max(apart, default=0):.1e} away\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
