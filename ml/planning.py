"""What a training would use, what it lacks and roughly how long it takes: before it starts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from django.conf import settings
from django.db.models import Sum

from common.errors import Conflict, Invalid
from jobs import kinds
from jobs.selectors import gpus_of
from labelling.selectors import current_schema, gold_class_counts, gold_counts
from labelling.snapshot import QuestionSnapshot
from labelling.spans import POLARITIES
from ml.core import encoders
from ml.core.config import HeadConfig, Kind, Tier, TrainConfig
from ml.core.errors import ConfigError, EncoderMissingError
from ml.foreseen import Foreseen, foreseen
from ml.models import TrainingRun
from ml.wishes import (
    USUAL_MINUTES,
    Wishes,
    check_encoder_name,
    check_heads,
    check_reach,
    check_wishes,
    head_as_wished,
    settings_of,
)
from projects.models import Project

#: Below this many answers a question learns or measures little, and the plan says so.
FEW_TRAIN = 50
FEW_TEST = 20
FEW_OF_A_CLASS = 10

# How many trainings are looked through for those that an estimate may rest on.
_RECENT = 20

# Before any run of a tier has been timed here: seconds to start, and per review. Measured on two
# cores with the bundled encoder; the page calls it a rule of thumb.
_RULES = {Tier.TFIDF: (4.0, 0.004), Tier.FROZEN: (10.0, 0.035), Tier.FULL: (60.0, 1.5)}

# Seconds for three passes over one text of 128 tokens, there.
_READING = 0.3


@dataclass(frozen=True, slots=True)
class ClassPlan:
    """One possible answer and how often gold has it, by split."""

    name: str
    train_count: int
    validation_count: int
    test_count: int
    #: What it has too few examples for, in a few words; empty when it has enough.
    note: str = ""


@dataclass(frozen=True, slots=True)
class QuestionPlan:
    """One question: how much gold there is, and whether it would be trained."""

    key: str
    name: str
    kind: str
    train_count: int
    validation_count: int
    test_count: int
    is_used: bool
    #: What is missing or thin, in a sentence; empty when nothing is.
    note: str = ""
    #: Every answer with its examples; none for numbers without a short scale.
    classes: tuple[ClassPlan, ...] = ()

    @property
    def rare(self) -> tuple[ClassPlan, ...]:
        """Return the answers with too few examples."""
        return tuple(each for each in self.classes if each.note)

    @property
    def total(self) -> int:
        """Return the number of gold answers."""
        return self.train_count + self.validation_count + self.test_count


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """A training that could be started now."""

    questions: tuple[QuestionPlan, ...]
    tier: Tier
    encoder: str
    #: What it would run on if it began now.
    foreseen: Foreseen
    review_count: int
    seconds: float
    #: Where the estimate comes from, in a sentence.
    basis: str
    schema_version: int
    #: None when nothing can be trained; `problem` then says why.
    config: TrainConfig | None
    problem: str = ""


def plan_training(project: Project, wishes: Wishes | None = None) -> TrainingPlan:
    """Plan a training of the project's current questions; reads counts only.

    Raises Invalid when a wish names what does not exist or settings contradict each other.
    """
    wishes = wishes or Wishes()
    check_encoder_name(wishes)
    schema = current_schema(project)
    tier = _tier(wishes)
    encoder = "" if tier is Tier.TFIDF else wishes.encoder or settings.GLOSS_ENCODER
    check_wishes(wishes, tier)
    check_reach(wishes, encoder, tokens_read(encoder))
    _check_questions(schema.questions, wishes)
    counts = gold_counts(project)
    by_class = gold_class_counts(project)
    plans = tuple(
        replace(
            _question(each, counts[each.key], wishes), classes=_classes(each, by_class[each.key])
        )
        for each in schema.questions
    )
    used = {plan.key for plan in plans if plan.is_used}
    own = tuple(head_of(each) for each in schema.questions if each.key in used)
    check_heads(wishes, own)
    heads = tuple(head_as_wished(head, wishes) for head in own)
    review_count = max((plan.total for plan in plans if plan.is_used), default=0)
    if wishes.max_samples is not None:
        review_count = min(review_count, wishes.max_samples)
    seconds, basis = _with_reading(
        *_estimate(project, tier, encoder, review_count), project, wishes
    )
    problem = "" if heads else _nothing_to_train(plans)
    return TrainingPlan(
        questions=plans,
        tier=tier,
        encoder=encoder,
        foreseen=foreseen(tier, gpus_of(kinds.get("train").queue)),
        review_count=review_count,
        seconds=seconds,
        basis=basis,
        schema_version=schema.version,
        config=_config(wishes, tier, encoder, heads) if heads else None,
        problem=problem or _encoder_problem(tier, encoder),
    )


def checked_config(plan: TrainingPlan) -> TrainConfig:
    """Return the configuration of a plan; raise Conflict when it cannot be carried out now."""
    if plan.config is None or plan.problem:
        raise Conflict(plan.problem)
    return plan.config


def tokens_read(encoder: str) -> int:
    """Return how many tokens an encoder reads at most; 0 where that cannot be known now."""
    folder = encoders.find(encoder).folder if encoder else None
    if folder is None:
        return 0
    try:
        return encoders.max_positions(folder)
    except (OSError, ValueError, TypeError, AttributeError):  # damaged: the job says it
        return 0


def head_of(question: QuestionSnapshot) -> HeadConfig:
    """Return the head that answers a question; raises ConfigError when none can."""
    return HeadConfig(
        question=question.key,
        kind=Kind(question.kind),
        options=tuple(option.key for option in question.options),
        minimum=question.minimum,
        maximum=question.maximum,
        is_integer=question.is_integer,
        polarities=tuple(POLARITIES) if question.has_polarity else (),
    )


def _tier(wishes: Wishes) -> Tier:
    if wishes.tier:
        if wishes.tier not in set(Tier):
            known = ", ".join(tier.value for tier in Tier)
            raise Invalid.of("tier", f"There is no tier {wishes.tier[:50]!r}; known: {known}.")
        return Tier(wishes.tier)
    # The best that trains in minutes anywhere; words alone where no encoder is installed.
    is_here = encoders.find(wishes.encoder or settings.GLOSS_ENCODER).is_here
    return Tier.FROZEN if is_here or wishes.encoder else Tier.TFIDF


def _check_questions(questions: tuple[QuestionSnapshot, ...], wishes: Wishes) -> None:
    known = {question.key for question in questions}
    for field, keys in (("questions", wishes.questions or ()), ("heads", wishes.heads)):
        for key in keys:
            if key not in known:
                names = ", ".join(sorted(known)) or "none"
                raise Invalid.of(
                    field, f"There is no question {key[:50]!r}; the project has: {names}."
                )


def _question(
    question: QuestionSnapshot, counts: Mapping[str, int], wishes: Wishes
) -> QuestionPlan:
    plan = QuestionPlan(
        key=question.key,
        name=question.name,
        kind=question.kind,
        train_count=counts["train"],
        validation_count=counts["validation"],
        test_count=counts["test"],
        is_used=False,
    )
    if wishes.questions is not None and question.key not in wishes.questions:
        return replace(plan, note="Not chosen.")
    if not plan.train_count:
        return replace(plan, note="No training review has an answer yet; label some.")
    try:
        head_of(question)
    except ConfigError as error:
        return replace(plan, note=str(error))
    return replace(plan, is_used=True, note=_thin(plan))


def _classes(
    question: QuestionSnapshot, counts: Mapping[str, Mapping[str, int]]
) -> tuple[ClassPlan, ...]:
    names = [(option.key, option.name) for option in question.options]
    names = names or [(str(step), str(step)) for step in question.steps]
    return tuple(_class(name, counts.get(key, {})) for key, name in names)


def _class(name: str, counts: Mapping[str, int]) -> ClassPlan:
    train, validation, test = (counts.get(split, 0) for split in ("train", "validation", "test"))
    note = ""
    if not train:
        note = "no training example: it will never be predicted"
    elif not test:
        note = "no test example: it cannot be measured"
    elif train < FEW_OF_A_CLASS:
        note = "few examples"
    return ClassPlan(name, train, validation, test, note)


def _thin(plan: QuestionPlan) -> str:
    if not plan.test_count:
        return "No test review has an answer: it can be trained, not measured."
    if plan.train_count < FEW_TRAIN:
        return f"Only {plan.train_count} training answers: it will learn little."
    if plan.test_count < FEW_TEST:
        return f"Only {plan.test_count} test answers: the figures will say little."
    return ""


def _nothing_to_train(plans: tuple[QuestionPlan, ...]) -> str:
    if not plans:
        return "This project asks nothing yet. Add questions under Label, Questions first."
    return (
        "No chosen question has an answer on a training review yet. "
        "Label some reviews, or import a column of answers."
    )


def _encoder_problem(tier: Tier, encoder: str) -> str:
    """Say what a local folder lacks; a hub name may still be downloaded."""
    if tier is Tier.TFIDF or encoders.find(encoder).source is encoders.Source.HUB:
        return ""
    try:
        encoders.obtain(encoder)
    except EncoderMissingError as error:
        return str(error)
    return ""


def _config(wishes: Wishes, tier: Tier, encoder: str, heads: tuple[HeadConfig, ...]) -> TrainConfig:
    try:
        return TrainConfig(
            tier=tier,
            heads=heads,
            encoder=encoder or settings.GLOSS_ENCODER,
            **settings_of(wishes, tier),
        )
    except ConfigError as error:
        raise Invalid(str(error)) from error


def _estimate(project: Project, tier: Tier, encoder: str, count: int) -> tuple[float, str]:
    """Return seconds and where they come from: the last runs of the same kind, else a rule."""
    ended = TrainingRun.objects.filter(
        project=project, tier=tier, encoder=encoder, seconds__isnull=False
    ).order_by("-id")[:_RECENT]
    # What an encoder reads before takes its own time, whatever the number of labels.
    runs = [run for run in ended if not run.config.get("pretraining_texts")][:3]
    rates = [run.seconds / size for run in runs if run.seconds and (size := _size(run.counts))]
    if rates:
        return median(rates) * max(count, 1), _measured(len(rates))
    start, rate = _RULES[tier]
    return (
        start + rate * count,
        "No training of this kind has ended here yet; this is roughly what two cores need.",
    )


def _with_reading(
    seconds: float, basis: str, project: Project, wishes: Wishes
) -> tuple[float, str]:
    """Add what it takes at most to read texts before, where that is wished for."""
    if not wishes.pretraining_texts:
        return seconds, basis
    minutes = wishes.pretraining_minutes or USUAL_MINUTES
    # What the data sets have written down: nobody counts a million reviews for an estimate.
    counted = project.datasets.filter(is_ready=True).aggregate(count=Sum("review_count"))
    texts = min(wishes.pretraining_texts, counted["count"] or 0)
    more = min(60 * minutes, texts * _READING)
    return seconds + more, f"{basis} Of that, texts read before take {more / 60:.0f} min."


def _measured(count: int) -> str:
    if count == 1:
        return "By the last training of this kind."
    return f"By the last {count} trainings of this kind."


def _size(counts: Mapping[str, Any]) -> int:
    return sum(int(counts.get(split, 0)) for split in ("train", "validation", "test"))
