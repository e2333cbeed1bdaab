"""What reference libraries make of the same answers."""

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import krippendorff
import numpy as np
import pandas as pd
from nltk.metrics.agreement import AnnotationTask
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching
from seqeval.metrics import f1_score
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from labelling.dawid_skene import Model, Settings, Votes, estimate

#: Item to person to answer.
Table = Mapping[str, Mapping[str, Any]]
Spans = Sequence[Mapping[str, Any]]

#: As many for both, since maximum likelihood creeps towards zeros for thousands of rounds.
ROUNDS = 40


# --- One option -----------------------------------------------------------------------------------


def of_choice(table: Table) -> dict[str, tuple[str, float]]:
    """Return measure to library and value."""
    items = [list(people.values()) for people in table.values()]
    labels = sorted({label for item in items for label in item})
    workers = sorted({who for people in table.values() for who in people})
    codes = [
        [labels.index(them[who]) if who in them else np.nan for them in table.values()]
        for who in workers
    ]
    counts = np.array([[item.count(label) for label in labels] for item in items])
    found = {
        "percent": ("counted", _percent(table)),
        "alpha_nominal": (
            "krippendorff",
            float(krippendorff.alpha(np.array(codes), level_of_measurement="nominal")),
        ),
        "ac1": ("Gwet's formula in full", _ac1(counts)),
    }
    if len(set(counts.sum(axis=1))) == 1:  # which is all that statsmodels knows
        found["fleiss"] = ("statsmodels", float(inter_rater.fleiss_kappa(counts)))
    return found


def _percent(table: Table) -> float:
    pairs = [
        one == other for people in table.values() for one, other in combinations(people.values(), 2)
    ]
    return float(sum(pairs) / len(pairs))


def _ac1(counts: "np.ndarray") -> float:
    """Gwet, "Computing inter-rater reliability in the presence of high agreement" (2008)."""
    observed, shares = 0.0, np.zeros(counts.shape[1])
    for row in counts:
        size = sum(row)
        observed += sum(each * (each - 1) for each in row) / (size * (size - 1)) / len(counts)
        shares += row / size / len(counts)
    chance = sum(share * (1 - share) for share in shares) / (len(shares) - 1)
    return float((observed - chance) / (1 - chance))


def cohen(table: Table) -> dict[frozenset[str], float]:
    """Return Cohen's kappa of all who answered something in common, NaN where undefined."""
    found: dict[frozenset[str], list[tuple[str, str]]] = {}
    for people in table.values():
        for one, other in combinations(sorted(people), 2):
            found.setdefault(frozenset((one, other)), []).append((people[one], people[other]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of divisions by nothing
        return {
            pair: float(cohen_kappa_score(*zip(*said, strict=True))) for pair, said in found.items()
        }


def busiest(pairs: Mapping[frozenset[str], float], count: int) -> frozenset[str]:
    """Return the people who have most others beside them."""
    seen = Counter(who for pair in pairs for who in sorted(pair))
    return frozenset(who for who, _ in seen.most_common(count))


# --- Sets and spans -------------------------------------------------------------------------------


def of_sets(table: Table) -> dict[str, tuple[str, float]]:
    """Return measure to library and value."""
    said = [
        (who, item, frozenset(answer))
        for item, people in table.items()
        for who, answer in people.items()
    ]
    sets = {item: {who: frozenset(a) for who, a in them.items()} for item, them in table.items()}
    return {
        "percent": ("counted", _percent(sets)),
        "alpha_masi": ("NLTK", float(AnnotationTask(said, distance=_masi).alpha())),
    }


def _masi(one: frozenset[str], other: frozenset[str]) -> float:
    """NLTK's own rounds thirds to two digits and divides by nothing for two empty sets."""
    if one == other:
        return 0.0
    shared = len(one & other)
    monotony = 2 / 3 if shared == min(len(one), len(other)) else 1 / 3 if shared else 0.0
    return 1 - shared / len(one | other) * monotony


def of_spans(table: Table) -> dict[str, tuple[str, float]]:
    """Return measure to library and value."""
    ranges = {item: {who: _ranges(a) for who, a in them.items()} for item, them in table.items()}
    pairs = [pair for people in table.values() for pair in combinations(people.values(), 2)]
    return {
        "percent": ("counted", _percent(ranges)),
        "f1_exact": ("seqeval", _exact(pairs)),
        "f1_overlapping": ("SciPy's matching", _overlapping(pairs)),
    }


def f1_of_pairs(table: Table) -> dict[frozenset[str], float]:
    """Return the exact F1 of every two people."""
    both: dict[frozenset[str], list[tuple[Spans, Spans]]] = {}
    for people in table.values():
        for one, other in combinations(sorted(people), 2):
            both.setdefault(frozenset((one, other)), []).append((people[one], people[other]))
    return {pair: _exact(said) for pair, said in both.items()}


def _ranges(spans: Spans) -> frozenset[tuple[int, int, str]]:
    return frozenset((each["start"], each["end"], each["option"]) for each in spans)


def _exact(pairs: Sequence[tuple[Spans, Spans]]) -> float:
    """Tag every code point, one row an option, since spans of two options may overlap."""
    true, said = [], []
    for one, other in pairs:
        size = max((each["end"] for each in (*one, *other)), default=1)
        for option in sorted({each["option"] for each in (*one, *other)}):
            true.append(_tags(one, option, size))
            said.append(_tags(other, option, size))
    return float(f1_score(true, said))


def _tags(spans: Spans, option: str, size: int) -> list[str]:
    tags = ["O"] * size
    for span in spans:
        if span["option"] == option:
            inside = [f"I-{option}"] * (span["end"] - span["start"] - 1)
            tags[span["start"] : span["end"]] = [f"B-{option}", *inside]
    return tags


def _overlapping(pairs: Sequence[tuple[Spans, Spans]]) -> float:
    matched = marked = 0
    for one, other in pairs:
        marked += len(one) + len(other)
        meets = np.array([[_meet(a, b) for b in other] for a in one])
        if meets.any():
            matched += int((maximum_bipartite_matching(csr_array(meets)) >= 0).sum())
    return 2 * matched / marked


def _meet(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    is_shared = one["start"] < other["end"] and other["start"] < one["end"]
    return bool(is_shared and one["option"] == other["option"])


# --- What the answers come to ---------------------------------------------------------------------


def voted(people: Sequence[Spans]) -> list[dict[str, Any]]:
    """Return what more than half of an odd number of people marked, with their usual polarity."""
    marks: dict[tuple[int, int, str], list[str]] = {}
    for spans in people:
        for each in spans:
            key = each["start"], each["end"], each["option"]
            marks.setdefault(key, []).append(each["polarity"])
    return [
        {"start": start, "end": end, "option": option, "polarity": _usual(polarities)}
        for (start, end, option), polarities in marks.items()
        if 2 * len(polarities) > len(people)
    ]


def _usual(polarities: Sequence[str]) -> str:
    """Return the most frequent; of several the one that was given first."""
    return max(polarities, key=polarities.count)


def beside_gold(said: Mapping[str, Spans], true: Mapping[str, Spans]) -> tuple[float, float]:
    """Return the exact F1, and of the spans that are right the share with the right polarity."""
    f1 = _exact([(spans, said[item]) for item, spans in true.items()])
    polarities = [
        polarity == known[key]
        for item, spans in true.items()
        for known in [{_key(each): each["polarity"] for each in spans}]
        for key, polarity in _polarities(said[item])
        if key in known
    ]
    return f1, sum(polarities) / len(polarities)


def _key(span: Mapping[str, Any]) -> tuple[int, int, str]:
    return span["start"], span["end"], span["option"]


def _polarities(spans: Spans) -> Iterator[tuple[tuple[int, int, str], str]]:
    for each in spans:
        yield _key(each), each["polarity"]


def majority(table: Table) -> dict[str, str]:
    """Return crowd-kit's majority of each item."""
    from crowdkit.aggregation import MajorityVote

    found = MajorityVote().fit_predict(_frame(table))
    return {str(item): str(said) for item, said in found.items()}


def ties(table: Table) -> set[str]:
    """Return the items of which two answers were given equally often."""
    found = set()
    for item, people in table.items():
        counts = Counter(people.values()).most_common(2)
        if len(counts) == 2 and counts[0][1] == counts[1][1]:
            found.add(item)
    return found


@dataclass(frozen=True, slots=True)
class Estimates:
    """Each item's likeliest answer, ours and the library's, and how far probabilities differ."""

    ours: dict[str, str]
    theirs: dict[str, str]
    furthest: float


def dawid_skene(table: Table, model: Model) -> Estimates:
    """Return our estimate and crowd-kit's after as many rounds."""
    from crowdkit.aggregation import DawidSkene, OneCoinDawidSkene

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library was written for an older pandas
        kind = {"full": DawidSkene, "one-coin": OneCoinDawidSkene}[model]
        fitted = kind(n_iter=ROUNDS, tol=-1).fit(_frame(table))
    frame = _frame(table)
    items, people, labels = (sorted(set(frame[name])) for name in ("task", "worker", "label"))
    columns = [
        np.array([order.index(each) for each in frame[name]], dtype=np.int64)
        for name, order in (("task", items), ("worker", people), ("label", labels))
    ]
    tasks, workers, said = columns
    votes = Votes(tasks, workers, said, len(items), len(people), len(labels))
    found = estimate(votes, model, Settings(tolerance=1e-300, max_rounds=ROUNDS))
    assert fitted.probas_ is not None
    assert fitted.labels_ is not None
    expected = fitted.probas_.loc[items, labels].to_numpy()
    return Estimates(
        {item: labels[winner] for item, winner in zip(items, found.winners, strict=True)},
        {str(item): str(said) for item, said in fitted.labels_.items()},
        float(np.abs(found.posterior - expected).max()),
    )


def _frame(table: Table) -> "pd.DataFrame":
    rows = [(item, who, said) for item, people in table.items() for who, said in people.items()]
    return pd.DataFrame(rows, columns=["task", "worker", "label"])
