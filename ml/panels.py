"""What the pages about models show, made ready for their templates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from common.charts import Axis, Chart, Series
from jobs.models import Job
from labelling.models import QualityCheck
from labelling.selectors import current_schema, schema_version
from labelling.snapshot import QuestionSnapshot
from labelling.spans import Piece, SpanValue, pieces
from ml import charts, measures, selectors
from ml.core.config import Kind
from ml.measures import Figure, QuestionMeasures
from ml.models import EmbeddingMap, ModelVersion, Prediction, Tier, TrainingRun
from ml.wishes import ORDINALS, POOLINGS, PRECISIONS, TRUNCATIONS
from projects.models import Membership, Project
from reviews.models import Review
from reviews.panels import Panel


def subnav(request: HttpRequest, project: Project) -> list[tuple[str, str, bool]]:
    """Return the tabs of the section for this member."""
    membership: Membership = request.gloss_membership  # type: ignore[attr-defined]  # set by enter
    tabs = [("ml:home", "Versions")]
    if membership.can_analyse:
        tabs += [
            ("ml:compare", "Compare"),
            ("ml:map", "Map"),
            ("ml:try", "Try one review"),
            ("ml:predictions", "Bulk predictions"),
        ]
    urls = [(reverse(name, args=[project.slug]), label) for name, label in tabs]
    return [(url, label, url == request.path) for url, label in urls]


# --- Versions -------------------------------------------------------------------------------------


def measures_of(version: ModelVersion) -> list[QuestionMeasures]:
    """Return the version's measures, named by the questions that it was trained on."""
    questions = _questions_of(version)
    reviews_url = reverse("reviews:list", args=[version.project.slug])
    return [
        measures.read(
            row.metrics,
            key=row.question_key,
            question=questions.get(row.question_key),
            reviews_url=reviews_url,
            version=version.number,
        )
        for row in selectors.evaluations_of(version)
    ]


def drawn_measures_of(version: ModelVersion) -> list[tuple[QuestionMeasures, list[Chart]]]:
    """Return the version's measures, each with its charts."""
    details = selectors.details_of(version)
    slug, questions = version.project.slug, _questions_of(version)
    return [
        (
            each,
            charts.charts_of(each, details.get(each.key, {}), slug=slug, questions=questions),
        )
        for each in measures_of(version)
    ]


def asked_baselines(found: list[QuestionMeasures]) -> list[str]:
    """Return the names of the baselines that were trained on request, for the table of them all."""
    return [
        *(["One model a question"] if any(each.has_single_task for each in found) else []),
        *(["LSTM"] if any(each.has_lstm for each in found) else []),
    ]


def _questions_of(version: ModelVersion) -> dict[str, QuestionSnapshot]:
    project = version.project
    schema = schema_version(project, version.training_run.schema_version)
    return {each.key: each for each in (schema or current_schema(project)).questions}


@dataclass(frozen=True, slots=True)
class VersionsTable:
    """Versions below each other, with the headline of every question in its column."""

    questions: list[str]
    rows: list[tuple[ModelVersion, list[Figure | None]]]


def versions_table(project: Project, *, limit: int) -> VersionsTable:
    """Return the newest versions with their headlines."""
    versions = list(selectors.versions_of(project)[:limit])
    names = {each.key: each.name for each in current_schema(project).questions}
    found = [
        {row.question_key: _headline(row.metrics) for row in v.evaluations.all()} for v in versions
    ]
    keys = list(names) + sorted({key for each in found for key in each} - set(names))
    asked = [key for key in keys if any(key in each for each in found)]
    return VersionsTable(
        questions=[names.get(key, key) for key in asked],
        rows=[
            (v, [each.get(key) for key in asked]) for v, each in zip(versions, found, strict=True)
        ],
    )


def _headline(metrics: Mapping[str, Any]) -> Figure | None:
    model = metrics.get("model") or {}
    return Figure.of(model["headline"]) if model.get("headline") else None


# --- Trainings ------------------------------------------------------------------------------------


def curve_chart(run: TrainingRun) -> Chart | None:
    """Return the loss curve; None while there is no epoch, as with words alone."""
    if not run.curve:
        return None
    epochs = [str(point["epoch"]) for point in run.curve]
    series = [Series("training", [point["train_loss"] for point in run.curve], option=1)]
    validation = [point.get("validation_loss") for point in run.curve]
    if any(loss is not None for loss in validation):
        series.append(Series("validation", validation, option=2))
    return Chart(
        id=f"run-{run.number}",
        title="Loss by epoch",
        kind="line",
        labels=epochs,
        series=series,
        x=Axis("Epoch", scale="category"),
        y=Axis("Loss"),
        note="Lower is better; training stops when the validation loss no longer falls.",
    )


def config_facts(run: TrainingRun) -> list[tuple[str, Any]]:
    """Return the settings of a training as people read them."""
    config = run.config
    facts: list[tuple[str, Any]] = [("Tier", Tier(run.tier).label)]
    if run.tier != Tier.TFIDF:
        facts += [
            ("Encoder", run.encoder),
            ("Epochs at most", config["epochs"]),
            ("Batch size", config["batch_size"] or "by the number of reviews"),
            ("Learning rate", config["learning_rate"] or config["head_learning_rate"]),
            ("Tokens read", config["max_tokens"] or "by how long the reviews are"),
        ]
    facts += _advanced_facts(config)
    if config.get("max_samples"):
        facts.append(("Training reviews at most", config["max_samples"]))
    return [*facts, ("Seed", config["seed"]), ("Questions version", run.schema_version)]


def _advanced_facts(config: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the settings that differ from the usual ones; older trainings know fewer."""
    usual: dict[str, tuple[str, Any, Mapping[Any, str]]] = {
        "truncation": ("Read of long reviews", "head", TRUNCATIONS),
        "pooling": ("One vector of a review", "mean", POOLINGS),
        "class_weights": ("Rare options weigh more", False, {True: "yes"}),
        "projection": ("Width of a projection", 0, {}),
        "normalise": ("Vectors of length one", False, {True: "yes"}),
        "unfreeze": ("Layers that learn", -1, {}),
        "layer_decay": ("Rate of a layer beside the one above", 1.0, {}),
        "accumulate": ("Batches summed before a step", 1, {}),
        "precision": ("Arithmetic", "auto", PRECISIONS),
        "pretraining_texts": ("Texts read before, without labels", 0, {}),
        "pretraining_steps": ("Steps of that reading at most", 0, {}),
        "pretraining_minutes": ("Minutes of that reading at most", 30.0, {}),
    }
    for name, (label, value, words) in usual.items():
        if (given := config.get(name, value)) != value:
            yield label, words.get(given, given)
    yield from _facts_of_heads(config.get("heads", ()))


def _facts_of_heads(heads: Sequence[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield settings of heads that differ from the usual ones, by question where they vary."""
    usual: dict[str, tuple[str, Any, Mapping[Any, str]]] = {
        "weight": ("Weight in the joint loss", 1.0, {}),
        "hidden": ("Width of the hidden layer", 256, {0: "none"}),
        "dropout": ("Dropout", 0.3, {}),
        "ordinal": ("Scales are learned", "squeezed", ORDINALS),
    }
    for name, (label, value, words) in usual.items():
        given = {
            head["question"]: head.get(name, value)
            for head in heads
            # Spans have no hidden layer unless they were given one.
            if not (head["kind"] == Kind.SPANS and name == "hidden" and not head.get(name))
        }
        is_shared = len(set(given.values())) == 1
        odd = {
            label if is_shared else f"{label}, {question}": found
            for question, found in given.items()
            if found != value
        }
        yield from ((said, words.get(found, found)) for said, found in odd.items())


def seconds_left(job: Job | None) -> float | None:
    """Return how long a running job still takes at its present pace; None when nobody can tell."""
    if job is None or not (job.started_at and job.done_count and job.total_count):
        return None
    spent = (timezone.now() - job.started_at).total_seconds()
    return max(0.0, spent * (job.total_count - job.done_count) / job.done_count)


# --- Answers --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Share:
    """One option with its probability."""

    name: str
    colour: int
    probability: float
    is_chosen: bool

    @property
    def percent(self) -> int:
        """Return the probability in whole per cent."""
        return round(100 * self.probability)


@dataclass(frozen=True, slots=True)
class MarkedPiece:
    """A run of the text with the name and colour of the spans that lie on it."""

    text: str
    name: str = ""
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """One question with what the model answers, ready to be shown."""

    name: str
    kind: str
    shares: list[Share]
    value: float | None = None
    low: float | None = None
    high: float | None = None
    is_integer: bool = False
    pieces: tuple[MarkedPiece, ...] = ()
    span_count: int = 0


def answers_of(version: ModelVersion, text: str, predicted: Mapping[str, Any]) -> list[Answer]:
    """Return a version's predictions about one text as answers to show."""
    questions = _questions_of(version)
    return [
        _answer(questions[key], prediction, text)
        for key, prediction in predicted.items()
        if key in questions
    ]


def _answer(question: QuestionSnapshot, prediction: Any, text: str) -> Answer:
    if question.kind == "number":
        return Answer(
            question.name,
            question.kind,
            [],
            value=float(prediction["value"]),
            low=float(prediction["low"]),
            high=float(prediction["high"]),
            is_integer=question.is_integer,
        )
    if question.kind == "spans":
        return Answer(
            question.name,
            question.kind,
            [],
            pieces=_marked(question, prediction, text),
            span_count=len(prediction),
        )
    chosen = {prediction["option"]} if question.kind == "choice" else set(prediction["selected"])
    shares = [
        _share(question, key, probability, is_chosen=key in chosen)
        for key, probability in prediction["probabilities"].items()
    ]
    return Answer(question.name, question.kind, sorted(shares, key=lambda each: -each.probability))


def _share(question: QuestionSnapshot, key: str, probability: float, *, is_chosen: bool) -> Share:
    option = question.option(key)
    return Share(
        name=option.name if option else key,
        colour=option.colour if option else 12,
        probability=probability,
        is_chosen=is_chosen,
    )


def _marked(question: QuestionSnapshot, spans: Any, text: str) -> tuple[MarkedPiece, ...]:
    values = [
        SpanValue(each["start"], each["end"], each["option"], each.get("polarity", ""))
        for each in spans
    ]
    return tuple(_piece(question, piece) for piece in pieces(text, values))


def _piece(question: QuestionSnapshot, piece: Piece) -> MarkedPiece:
    if not piece.spans:
        return MarkedPiece(piece.text)
    span = piece.spans[-1]
    option = question.option(span.option)
    name = option.name if option else span.option
    return MarkedPiece(
        text=piece.text,
        name=f"{name}, {span.polarity}" if span.polarity else name,
        colour=option.colour if option else 12,
    )


def panel_of(project: Project, review: Review, membership: Membership) -> Panel | None:
    """Return what the champion says about a review, for the page of that review.

    Annotators are kept blind on the control slice and on quality checks, which measure what they
    say by themselves, and everywhere in a blind project.
    """
    champion = selectors.champion_of(project)
    if champion is None or (membership.is_only_labeller and _is_kept_blind(project, review)):
        return None
    rows = Prediction.objects.filter(model_version=champion, review=review)
    predicted = dict(rows.values_list("question_key", "value"))
    if not predicted:
        return None
    answers = answers_of(champion, review.text, predicted)
    context = {"answers": answers, "version": champion}
    return Panel(f"What model version {champion.number} says", "ml/_review_panel.html", context)


def _is_kept_blind(project: Project, review: Review) -> bool:
    is_check = QualityCheck.objects.filter(project=project, review=review).exists()
    return project.is_blind or review.is_control or is_check


def alike_panel_of(
    project: Project,
    review: Review,  # noqa: ARG001  (makers of panels get it)
    membership: Membership,
) -> Panel | None:
    """Return where the reviews most like this one are shown, once the champion has a map.

    The page asks for them after it is there: they take a moment.
    """
    if not membership.can_analyse:
        return None
    maps = EmbeddingMap.objects.filter(project=project, model_version__is_champion=True)
    if not maps.exists():
        return None
    return Panel("Reviews like this one", "ml/_similar_panel.html", {})
