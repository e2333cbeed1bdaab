"""One model for all questions of a data set against one model for each, on the same rows."""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from ml.core.answers import Prediction, to_answer
from ml.core.comparison import PairedMeasure, compare
from ml.core.config import HeadConfig, TrainConfig
from ml.core.data import Answer, Example
from ml.core.intervals import estimate
from ml.reproduce.parting import part_rows, take_train
from ml.reproduce.recipes import Recipe
from ml.reproduce.running import Mean, Request, config_of, mean_of, trained

#: Joint training may cost a question this many points.
ALLOWED: Final = 1.0

_Found = Mapping[int, Mapping[str, Prediction]]
_Say = Callable[[str], None]


@dataclass(frozen=True)
class JointLine:
    """A figure of one question from both trainings; means over the seeds.

    gain: joint minus alone, in points, more is better: hundredths of a share, and for an error
    hundredths of the error alone. Its interval joins the paired intervals over the rows of every
    seed with the spread of the seeds.
    """

    question: str
    name: str
    joint: float
    alone: float
    gain: Mean

    @property
    def verdict(self) -> str:
        """Say whether joint training costs more than is allowed."""
        if self.gain.low >= -ALLOWED:
            return "yes, surely"
        return "yes, on average" if self.gain.value >= -ALLOWED else "NO"


@dataclass(frozen=True)
class JointReport:
    """The outcome of a comparison of joint with single-task training."""

    title: str
    tier: str
    seeds: int
    counts: dict[str, int]
    seconds: float
    lines: tuple[JointLine, ...]

    def to_json(self) -> dict[str, Any]:
        """Return everything as a JSON object."""
        return {**asdict(self), "lines": [{**asdict(x), "verdict": x.verdict} for x in self.lines]}


def compare_joint(recipe: Recipe, request: Request, say: _Say) -> JointReport:
    """Train all questions of a recipe's data at once and each alone, once a seed.

    Both learn by the same settings from the same rows; raises CoreError in plain words.
    """
    started = time.monotonic()
    rows = recipe.read(request.data)
    parted = part_rows(rows, recipe.shares)
    heads = (*recipe.heads(rows), *recipe.more(rows))
    measures: dict[tuple[str, str], list[PairedMeasure]] = {}
    for seed in range(request.seeds):
        say(f"Seed {seed + 1} of {request.seeds}")
        examples = take_train(parted.examples, request.train_size, seed)
        config = replace(config_of(recipe, request, heads, seed), baselines=False)
        for question, found in _compared(examples, config, request, say):
            for one in found:
                measures.setdefault((question, one.name), []).append(one)
    return JointReport(
        title=recipe.title,
        tier=request.tier.value,
        seeds=request.seeds,
        counts={s: sum(e.split == s for e in examples) for s in ("train", "validation", "test")},
        seconds=round(time.monotonic() - started, 1),
        lines=tuple(
            line
            for (question, name), each in measures.items()
            if (line := _line(question, name, each))
        ),
    )


def as_joint_table(report: JointReport, command: str) -> str:
    """Return the table of a comparison with the command that made it."""
    counts = report.counts
    about = (
        f"{report.title}: one model of all questions and one for each, tier {report.tier}, "
        f"{counts['train']:,} to learn from, {counts['validation']:,} to stop and calibrate by, "
        f"{counts['test']:,} held out; {report.seeds} seeds, {report.seconds:,.0f} s. Points: "
        "hundredths of a share, or of the error alone; more is better for the joint model."
    )
    head = "| question | figure | joint | alone | joint better by, points | n | at most 1 worse |"
    lines = [about, f"`{command}`", "", head, "| --- | --- | --- | --- | --- | --- | --- |"]
    for x in report.lines:
        gain = f"{x.gain.value:+.2f} ({x.gain.low:+.2f} to {x.gain.high:+.2f})"
        cells = (x.question, x.name, f"{x.joint:.4f}", f"{x.alone:.4f}", gain, f"{x.gain.n:,}")
        lines.append(f"| {' | '.join((*cells, x.verdict))} |")
    return "\n".join(lines)


def _compared(
    examples: Sequence[Example], config: TrainConfig, request: Request, say: _Say
) -> list[tuple[str, Sequence[PairedMeasure]]]:
    _, joint = trained(examples, config, request, say)
    compared: list[tuple[str, Sequence[PairedMeasure]]] = []
    for head in config.heads:
        say(f"  Only {head.question}")
        _, alone = trained(examples, replace(config, heads=(head,)), request, lambda _: None)
        rows = [e for e in examples if e.split == "test" and head.question in e.answers]
        gold = [e.answers[head.question] for e in rows]
        found = compare(head, gold, _answers(head, rows, alone), _answers(head, rows, joint))
        say(
            f"    {', '.join(f'{m.name} {m.after:.4f} and {m.before:.4f}' for m in found.measures)}"
        )
        compared.append((head.question, found.measures))
    return compared


def _answers(head: HeadConfig, rows: Sequence[Example], found: _Found) -> list[Answer]:
    return [to_answer(head, found[row.id][head.question]) for row in rows]


def _line(question: str, name: str, each: Sequence[PairedMeasure]) -> JointLine | None:
    """Return the means over seeds; None where some seed says nothing."""
    gain = mean_of([points_of(one) for one in each])
    if gain is None:
        return None
    joint = statistics.fmean(one.after for one in each)
    alone = statistics.fmean(one.before for one in each)
    return JointLine(question, name, joint, alone, gain)


def points_of(measure: PairedMeasure) -> dict[str, Any]:
    """Return the gain in points as an estimate."""
    shift, n = measure.difference, measure.difference.n
    scale = -100 / max(measure.before, 1e-12) if measure.is_lower_better else 100.0
    ends = sorted(scale * float(end) for end in (shift.low, shift.high) if end is not None)
    low, high = ends if len(ends) == 2 else (math.nan, math.nan)
    return estimate(scale * shift.value, low, high, n)
