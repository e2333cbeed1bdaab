"""A crowd labels public data through the API; agreement and consensus beside reference libraries.

DATA=FOLDER names a folder with `crowd_snow2008` (textual entailment as ten workers of a crowd
judged it, Snow et al. 2008) and `semeval_absa` (aspects marked in restaurant reviews, 2015).
ITEMS (100) says how many reviews of each are labelled; 800 is all of the first.

Of the first every worker is a member who answers what that worker answered. Of the second three
made-up annotators read the published spans and err at the rates below.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench import crowd_data, crowd_reference
from tests.bench.crowd_data import Crowd
from tests.bench.crowd_team import Team
from tests.bench.report import Figure, Report
from tests.stack import Stack

ITEMS = int(os.environ.get("ITEMS", "100"))


def run(report: Report) -> None:
    """Label both, if the folder is named."""
    data = os.environ.get("DATA", "")
    if not (Path(data) / "crowd_snow2008").is_dir():
        sys.stdout.write("  skipped: DATA=FOLDER names no folder with crowd_snow2008 in it\n")
        return
    with tempfile.TemporaryDirectory() as name, Stack(Path(name) / "home") as gloss:
        gloss.serve()
        _entailment(report, gloss, crowd_data.snow(Path(data), ITEMS))
        _aspects(report, gloss, crowd_data.semeval(Path(data), ITEMS))


def _entailment(report: Report, gloss: Stack, crowd: Crowd) -> None:
    team, said = _labelled(report, gloss, "snow2008", crowd)
    answers = {item: {who: a["entailed"] for who, a in them.items()} for item, them in said.items()}
    expected = crowd_reference.of_choice(crowd_data.one(crowd, "entailed"))
    _compare(report, "snow2008", team.agreement("entailed"), expected)
    # The page and the API show the pairs of fifty people; we ask for a few people at a time.
    pairs = crowd_reference.cohen(crowd_data.one(crowd, "entailed"))
    ours = team.pairs("entailed", people=crowd_reference.busiest(pairs, 12))
    _compare_pairs(report, "snow2008", ours, pairs)
    _consensus(report, team, answers, {item: gold["entailed"] for item, gold in crowd.gold.items()})


def _aspects(report: Report, gloss: Stack, crowd: Crowd) -> None:
    team, said = _labelled(report, gloss, "semeval", crowd)
    for key, reference in (
        ("aspects", crowd_reference.of_spans), ("entities", crowd_reference.of_sets),
    ):  # fmt: skip
        answers = crowd_data.one(crowd, key)
        _compare(report, f"semeval, {key}", team.agreement(key), reference(answers))
        if key == "aspects":
            pairs = crowd_reference.f1_of_pairs(answers)
            _compare_pairs(report, f"semeval, {key}", team.pairs(key), pairs)
    held = team.gold("aspects")
    marked = crowd_data.one(crowd, "aspects")
    true = {item: gold["aspects"] for item, gold in crowd.gold.items()}
    n = len(crowd.texts)
    for name in crowd.people:
        own = {item: people[name] for item, people in marked.items()}
        f1, polarity = crowd_reference.beside_gold(own, true)
        _line(report, f"semeval: {name} beside the published spans, F1", f1, None, n=n)
        _line(report, f"semeval: {name}, polarity of those found right", polarity, None, n=n)
    f1, polarity = crowd_reference.beside_gold(held, true)
    # Whoever answered first decides ties: the API lists answers in that order.
    voted = {
        item: crowd_reference.voted([answer["aspects"] for answer in people.values()])
        for item, people in said.items()
    }
    expected_f1, expected_polarity = crowd_reference.beside_gold(voted, true)
    _line(report, "semeval: gold beside the published spans, F1", f1, expected_f1, n=n)
    _line(report, "semeval: gold, polarity of those found right", polarity, expected_polarity, n=n)


# --- Labelling ------------------------------------------------------------------------------------


def _labelled(
    report: Report, gloss: Stack, name: str, crowd: Crowd
) -> tuple[Team, dict[str, dict[str, Any]]]:
    """Let everybody answer; check that what is kept is what was said, each once."""
    team = Team(gloss, name, crowd)
    outcome = team.label()
    wanted = sum(map(len, crowd.answers.values()))
    report.add(f"{name}: reviews", len(crowd.texts), "reviews", n=1)
    report.add(f"{name}: annotators", len(crowd.people), "people", n=1)
    report.add(
        f"{name}: labels a second, four at a time", wanted / outcome.seconds, "labels/s", n=1
    )
    said = team.said()
    kept = sum(map(len, said.values()))
    report.add(f"{name}: answers kept", kept, "answers", n=wanted)
    changed = sum(
        said.get(item, {}).get(who) != answer
        for item, people in crowd.answers.items()
        for who, answer in people.items()
    )
    report.add(f"{name}: answers lost or not as given", changed, "answers", n=wanted)
    report.add(f"{name}: doubled", outcome.acknowledged - kept, "answers", n=wanted)
    report.add(f"{name}: calls refused or failed", outcome.failures, "calls", n=outcome.calls)
    return team, said


# --- Consensus ------------------------------------------------------------------------------------


def _consensus(
    report: Report, team: Team, said: Mapping[str, Mapping[str, str]], gold: Mapping[str, str]
) -> None:
    n = len(gold)
    held = team.majority("entailed", ("no", "yes"))
    right = float(np.mean([held.get(item) == true for item, true in gold.items()]))
    vote = crowd_reference.majority(said)
    expected = float(np.mean([vote[item] == true for item, true in gold.items()]))
    ties = crowd_reference.ties(said)
    apart = sum(held.get(item) != vote[item] for item in gold if item not in ties)
    # At a tie we hold with who answered first, the library with the option first in the alphabet.
    _line(report, "snow2008: majority, accuracy (crowd-kit, ties otherwise)", right, expected, n=n)
    report.add("snow2008: reviews at a tie", len(ties), "reviews", n=n)
    report.add("snow2008: others held otherwise than by crowd-kit", apart, "reviews", n=n)
    for model in ("full", "one-coin"):
        found = crowd_reference.dawid_skene(said, model)
        ours, theirs = (
            float(np.mean([each[item] == true for item, true in gold.items()]))
            for each in (found.ours, found.theirs)
        )
        name = f"snow2008: Dawid-Skene, {model}, accuracy (crowd-kit)"
        _line(report, name, ours, theirs, n=n)
        name = f"snow2008: Dawid-Skene, {model}, furthest probability"
        report.add(f"{name}, in 1e-9", 1e9 * found.furthest, "", n=n)
    _reliability(report, team, said, gold)


def _reliability(
    report: Report, team: Team, said: Mapping[str, Mapping[str, str]], gold: Mapping[str, str]
) -> None:
    """Compare the estimate that a team sees, which knows no truth, with the true accuracy."""
    right: dict[str, list[bool]] = {}
    for item, people in said.items():
        for who, answer in people.items():
            right.setdefault(who, []).append(answer == gold[item])
    estimates = {who: each for who, each in team.reliability("entailed").items() if who in right}
    known = {who: each for who, each in estimates.items() if each["value"] is not None}
    off = [abs(each["value"] - np.mean(right[who])) for who, each in known.items()]
    inside = [each["low"] <= np.mean(right[who]) <= each["high"] for who, each in known.items()]
    n = len(known)
    report.add("snow2008: estimated beside true accuracy, mean distance", np.mean(off), "", n=n)
    report.add("snow2008: true accuracy within the interval", np.mean(inside), "share", n=n)


# --- Lines of the table -------------------------------------------------------------------------


def _compare(
    report: Report, name: str, ours: Mapping[str, Any], expected: Mapping[str, tuple[str, float]]
) -> None:
    for measure, (library, value) in expected.items():
        found = ours[measure]
        _line(report, f"{name}: {measure} ({library})", found["value"], value, n=found["n"])


def _compare_pairs(
    report: Report,
    name: str,
    ours: Mapping[frozenset[str], float | None],
    expected: Mapping[frozenset[str], float],
) -> None:
    """Show how far apart the furthest pair is; pairs without a defined figure must be ones."""
    apart = [
        abs(value - expected[pair])
        for pair, value in ours.items()
        if value is not None and not np.isnan(expected[pair])
    ]
    defined = {pair for pair, value in expected.items() if not np.isnan(value)}
    unlike = sum((value is None) == (pair in defined) for pair, value in ours.items())
    furthest = 1e9 * max(apart, default=0.0)
    report.add(f"{name}: pairs of people, the furthest, in 1e-9", furthest, "", n=len(apart))
    report.add(f"{name}: pairs defined on one side only", unlike, "pairs", n=len(ours))


def _line(report: Report, name: str, ours: float | None, expected: float | None, *, n: int) -> None:
    """Add a figure with all its digits, the reference's beside it and how far they are apart."""
    assert ours is not None, name
    beside = (
        "" if expected is None else f"reference {expected:.12f}, {abs(ours - expected):.1e} away"
    )
    report.figures.append(Figure(name, float(ours), "", n, beside))
    sys.stdout.write(f"  {name:<66} {ours:.12f} n={n} {beside}\n")
    sys.stdout.flush()
