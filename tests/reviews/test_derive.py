"""Data sets made of others: which reviews, what becomes of their texts, and what is remembered."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from common.errors import Conflict, Invalid
from jobs.lease import Lease, LeaseLost, claim_one
from jobs.models import Job
from jobs.services import cancel
from jobs.worker import run, worker_name
from labelling.models import Gold, GoldSource, GoldSpan, Question
from projects.models import Project
from reviews import aftermath, derive, deriving
from reviews.deriving import Derived
from reviews.members import reviews_in
from reviews.models import Dataset, Fingerprints, Review, SelectedReview
from reviews.recipes import Recipe, Sample, from_json
from reviews.selectors import visible_reviews
from tests import factories

pytestmark = pytest.mark.django_db

Make = Callable[..., Dataset]


@pytest.fixture
def owner() -> User:
    return factories.user("olga")


@pytest.fixture
def project(owner: User) -> Project:
    return factories.project(owner=owner)


@pytest.fixture
def source(project: Project) -> Dataset:
    """Return a data set of a hundred reviews: ninety of kettles, ten of toasters."""
    dataset = factories.dataset(project, "all of them")
    for number in range(100):
        factories.review(
            project,
            f"Review {number} says <b>fine</b> &amp; good.",
            dataset=dataset,
            product="toaster" if number % 10 == 0 else "kettle",
            metadata={"Title": f"Title {number}", "Brand": ""},
            split=("train", "validation", "test")[number % 3],
            is_control=number % 7 == 0,
        )
    return dataset


def finish(derived: Derived) -> Job:
    lease = claim_one(job_id=derived.job.pk, worker=worker_name())
    assert lease is not None
    run(lease)
    derived.job.refresh_from_db()
    return derived.job


@pytest.fixture
def make(project: Project, owner: User) -> Make:
    """Return what derives a data set to the end."""

    def made(recipe: Recipe, name: str = "derived") -> Dataset:
        derived = deriving.derive(project=project, name=name, recipe=recipe, actor=owner)
        job = finish(derived)
        assert job.state == Job.State.SUCCEEDED, job.reason
        return Dataset.objects.get(pk=derived.dataset.pk)

    return made


def ids(dataset: Dataset) -> set[int]:
    return set(reviews_in(dataset).values_list("pk", flat=True))


# --- Choosing -----------------------------------------------------------------------------------


def test_a_filter_makes_a_data_set_that_points_to_what_fits(source: Dataset, make: Make) -> None:
    chosen = make(Recipe(datasets=(source.pk,), filters=(("product", "toaster"),)))

    assert chosen.kind == Dataset.Kind.SELECTION
    assert chosen.is_ready
    assert chosen.review_count == 10
    assert ids(chosen) == set(source.reviews.filter(product="toaster").values_list("pk", flat=True))
    assert Review.objects.count() == 100
    assert chosen.parent == source
    assert chosen.split_counts == {"train": 4, "validation": 3, "test": 3, "control": 2}


def test_words_are_searched_as_in_the_table(source: Dataset, make: Make, project: Project) -> None:
    aftermath.follow(source)

    chosen = make(Recipe(filters=(("q", "97 says"),)))

    assert [review.text for review in reviews_in(chosen)] == [
        "Review 97 says <b>fine</b> &amp; good."
    ]


def test_answers_choose_too(source: Dataset, make: Make, project: Project) -> None:
    review = source.reviews.all()[3]
    _give_gold(review, "sentiment", "positive")

    chosen = make(Recipe(filters=(("answer.sentiment", "positive"),)))

    assert ids(chosen) == {review.pk}


def test_several_data_sets_are_taken_from_and_others_are_not(
    source: Dataset, make: Make, project: Project
) -> None:
    other = factories.review(project, "Another one.")
    factories.review(project, "Not this one.")
    toasters = make(Recipe(filters=(("product", "toaster"),)), "toasters")

    chosen = make(Recipe(datasets=(toasters.pk, other.dataset_id)))

    assert ids(chosen) == ids(toasters) | {other.pk}
    assert chosen.parent is None


def test_ten_percent_of_every_class_are_drawn_and_at_least_one(
    source: Dataset, make: Make, project: Project
) -> None:
    factories.review(project, "A lonely kind.", dataset=source, product="lamp")
    recipe = Recipe(sample=Sample(per_million=100_000, by="product", seed=3))

    chosen = make(recipe)

    drawn = list(reviews_in(chosen).order_by("product").values_list("product", flat=True))
    assert drawn == ["kettle"] * 9 + ["lamp", "toaster"]


def test_so_many_of_every_class_are_drawn(source: Dataset, make: Make) -> None:
    chosen = make(Recipe(sample=Sample(count=12, by="product")))

    drawn = [review.product for review in reviews_in(chosen)]
    assert (drawn.count("kettle"), drawn.count("toaster")) == (12, 10)


def test_classes_may_be_gold_answers_or_a_column_of_the_metadata(
    source: Dataset, make: Make
) -> None:
    for review in source.reviews.filter(product="toaster"):
        _give_gold(review, "sentiment", "negative")

    by_answer = make(Recipe(sample=Sample(count=3, by="answer.sentiment")), "by answer")
    by_column = make(Recipe(sample=Sample(count=1, by="meta.Title")), "by column")

    assert by_answer.review_count == 6
    assert reviews_in(by_answer).filter(product="toaster").count() >= 3
    assert by_column.review_count == 100


def test_numbers_are_classes_by_their_rounded_value(source: Dataset, make: Make) -> None:
    for number, review in enumerate(source.reviews.order_by("pk")):
        _give_gold(review, "rating", 1 + number % 2 + (0.2 if number % 4 else 0))

    chosen = make(Recipe(sample=Sample(count=5, by="answer.rating")))

    assert chosen.review_count == 10


def test_a_plain_sample_has_the_number_or_the_share_asked_for(source: Dataset, make: Make) -> None:
    assert make(Recipe(sample=Sample(count=17)), "number").review_count == 17
    assert make(Recipe(sample=Sample(per_million=250_000)), "share").review_count == 25
    assert make(Recipe(sample=Sample(count=1000)), "too many").review_count == 100


def test_a_seed_draws_the_same_and_another_seed_others(source: Dataset, make: Make) -> None:
    first = make(Recipe(sample=Sample(count=20, seed=1)), "one")
    again = make(Recipe(sample=Sample(count=20, seed=1)), "again")
    other = make(Recipe(sample=Sample(count=20, seed=2)), "two")

    assert ids(first) == ids(again)
    assert ids(first) != ids(other)


def test_a_sample_takes_its_share_of_every_split(project: Project, make: Make) -> None:
    from common.text import text_hash
    from reviews.splits import draw

    dataset = factories.dataset(project)
    texts = [f"Number {number}" for number in range(2_000)]
    for text in texts:
        split = draw(text_hash(text), control_share=0).split
        factories.review(project, text, dataset=dataset, split=split)

    chosen = make(Recipe(sample=Sample(per_million=500_000, seed=11)))

    for split, whole in (("train", 1400), ("test", 300)):
        assert abs(chosen.split_counts[split] - whole / 2) < 70


def test_the_recipe_made_again_gives_the_same_rows(source: Dataset, make: Make) -> None:
    recipe = Recipe(
        datasets=(source.pk,),
        filters=(("product", "kettle"),),
        sample=Sample(per_million=300_000, seed=5),
        cleaning=("html",),
        parts=("meta.Title", "text"),
        separator=" [SEP] ",
    )
    first = make(recipe, "first")

    again = make(from_json(first.recipe), "again")

    texts = [
        list(each.reviews.order_by("pk").values_list("text", "split", "derived_from"))
        for each in (first, again)
    ]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 27


# --- Copying ------------------------------------------------------------------------------------


def test_cleaning_makes_copies_that_keep_everything_but_the_text(
    source: Dataset, make: Make
) -> None:
    made = make(Recipe(cleaning=("html", "lower")))

    assert made.kind == Dataset.Kind.CLEANED
    assert made.review_count == 100
    assert not SelectedReview.objects.exists()
    for copy in made.reviews.select_related("derived_from"):
        original = copy.derived_from
        assert original is not None
        assert (
            copy.text
            == original.text.replace("<b>", "").replace("</b>", "").replace("&amp;", "&").lower()
        )
        kept = ("metadata", "product", "author", "reviewed_at", "split", "is_control", "row_number")
        assert [getattr(copy, each) for each in kept] == [getattr(original, each) for each in kept]
        assert len(copy.original_hash) == 64


def test_texts_that_become_the_same_are_one_and_empty_ones_none(
    project: Project, make: Make
) -> None:
    dataset = factories.dataset(project)
    for text in ("<b>Fine</b>", "Fine", "<i>Fine</i>", "<hr>", "Other\ttext"):
        factories.review(project, text, dataset=dataset)

    made = make(Recipe(datasets=(dataset.pk,), cleaning=("html", "spaces")))

    assert sorted(made.reviews.values_list("text", flat=True)) == ["Fine", "Other text"]
    assert {key: made.recipe["outcome"][key] for key in ("copied", "duplicates", "empty")} == {
        "copied": 2,
        "duplicates": 2,
        "empty": 1,
    }
    assert sum(Fingerprints.objects.filter(dataset=made).values_list("count", flat=True)) == 2


def test_the_text_is_made_of_columns_in_the_order_chosen(source: Dataset, make: Make) -> None:
    made = make(
        Recipe(
            filters=(("product", "toaster"),),
            parts=("meta.Title", "meta.Brand", "product", "text"),
            separator=" [SEP] ",
            cleaning=("html",),
        )
    )

    first = made.reviews.order_by("pk")[0]
    assert first.text == "Title 0 [SEP] toaster [SEP] Review 0 says fine & good."


def test_gold_comes_along_and_spans_move_with_their_words(project: Project, make: Make) -> None:
    text = "A <b>battery</b> &amp; more<br>"
    review = factories.review(project, text)
    _give_gold(review, "sentiment", "positive")
    _give_gold(review, "rating", 4.0)
    _give_span(review, text.index("battery"), "battery")
    _give_span(review, text.index("&amp;"), "&amp; more")
    _give_span(review, text.index("<br>"), "<br>")

    made = make(Recipe(parts=("product", "text"), separator=" | ", cleaning=("html",)), "no title")
    Review.objects.filter(pk=review.pk).update(product="Lamp")
    titled = make(
        Recipe(
            datasets=(review.dataset_id,),
            parts=("product", "text"),
            separator=" | ",
            cleaning=("html",),
        ),
        "titled",
    )

    for dataset in (made, titled):
        copy = dataset.reviews.get()
        spans = list(GoldSpan.objects.filter(review=copy).order_by("start"))
        assert [span.text for span in spans] == ["battery", "& more"]
        assert all(copy.text[span.start : span.end] == span.text for span in spans)
        gold = Gold.objects.filter(review=copy, question__kind__in=["choice", "number"])
        assert {(each.option and each.option.key, each.number) for each in gold} == {
            ("positive", None),
            (None, 4.0),
        }
        assert {each.source for each in gold} == {GoldSource.IMPORTED}
        outcome = dataset.recipe["outcome"]
        assert (outcome["spans_moved"], outcome["spans_lost"]) == (2, 1)
    assert titled.reviews.get().text == "Lamp | A battery & more"


def test_spans_are_lost_where_the_text_is_no_part(project: Project, make: Make) -> None:
    review = factories.review(project, "A battery", product="Lamp")
    _give_span(review, 2, "battery")

    made = make(Recipe(parts=("product",)))

    assert made.reviews.get().text == "Lamp"
    assert made.recipe["outcome"]["spans_lost"] == 1


# --- When things go wrong -------------------------------------------------------------------------


def test_a_recipe_that_fits_nothing_leaves_nothing(
    source: Dataset, project: Project, owner: User
) -> None:
    recipe = Recipe(filters=(("product", "nothing"),))
    derived = deriving.derive(project=project, name="none", recipe=recipe, actor=owner)

    job = finish_badly(derived)

    assert "No review fits" in job.reason
    assert not Dataset.objects.filter(name="none").exists()
    assert not SelectedReview.objects.exists()


def test_cleaning_that_leaves_no_text_leaves_no_data_set(project: Project, owner: User) -> None:
    factories.review(project, "<br>")
    recipe = Recipe(cleaning=("html",))
    derived = deriving.derive(project=project, name="none", recipe=recipe, actor=owner)

    job = finish_badly(derived)

    assert "Nothing is left" in job.reason
    assert not Dataset.objects.filter(name="none").exists()


def finish_badly(derived: Derived) -> Job:
    lease = claim_one(job_id=derived.job.pk, worker=worker_name())
    assert lease is not None
    run(lease)
    derived.job.refresh_from_db()
    assert derived.job.state == Job.State.FAILED
    return derived.job


class Dying(Lease):
    """A worker's hold on a job that is lost after the second look at it."""

    looks = 0

    def check(self) -> None:
        self.looks += 1
        if self.looks > 2:
            raise LeaseLost


def test_a_worker_that_died_is_taken_over_without_a_trace(
    source: Dataset, project: Project, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(derive, "COPIES", 30)
    recipe = Recipe(cleaning=("html",))
    derived = deriving.derive(project=project, name="copies", recipe=recipe, actor=owner)
    dataset = Dataset.objects.select_related("project").get(pk=derived.dataset.pk)
    lease = claim_one(job_id=derived.job.pk, worker="dies early")
    assert lease is not None
    derive._select(lease, dataset, recipe)
    dying = Dying(lease.job)
    with pytest.raises(LeaseLost):
        derive._copy(dying, dataset, recipe)
    assert Review.objects.filter(dataset=dataset).count() == 60
    assert not visible_reviews(project).filter(dataset=dataset).exists()
    Job.objects.filter(pk=derived.job.pk).update(state=Job.State.QUEUED)

    job = finish(derived)

    assert job.state == Job.State.SUCCEEDED, job.reason
    assert job.result["copied"] == 100
    originals = Review.objects.filter(dataset=dataset).values_list("derived_from_id", flat=True)
    assert Counter(originals) == Counter(source.reviews.values_list("pk", flat=True))


def test_a_choice_that_was_not_finished_is_made_again(
    source: Dataset, project: Project, owner: User
) -> None:
    derived = deriving.derive(project=project, name="chosen", recipe=Recipe(), actor=owner)
    first = source.reviews.all()[0]
    SelectedReview.objects.create(dataset=derived.dataset, review=first)

    job = finish(derived)

    assert job.result["selected"] == 100
    assert SelectedReview.objects.filter(dataset=derived.dataset).count() == 100


def test_a_cancelled_job_frees_the_name(
    source: Dataset, project: Project, owner: User, django_capture_on_commit_callbacks: Any
) -> None:
    derived = deriving.derive(project=project, name="again", recipe=Recipe(), actor=owner)

    with django_capture_on_commit_callbacks(execute=True):
        cancel(job=derived.job, actor=owner)

    assert deriving.derive(project=project, name="again", recipe=Recipe(), actor=owner).is_new


def test_a_name_is_taken_once(source: Dataset, project: Project, owner: User) -> None:
    with pytest.raises(Conflict, match="all of them"):
        deriving.derive(project=project, name="all of them", recipe=Recipe(), actor=owner)

    assert not Job.objects.exists()


def test_the_same_key_starts_one_job(source: Dataset, project: Project, owner: User) -> None:
    first, second = (
        deriving.derive(
            project=project, name="once", recipe=Recipe(), actor=owner, idempotency_key="k"
        )
        for _ in range(2)
    )

    assert (first.is_new, second.is_new) == (True, False)
    assert first.dataset == second.dataset


@pytest.mark.parametrize(
    ("recipe", "field"),
    [
        ({"datasets": [999_999]}, "datasets"),
        ({"datasets": ["1"]}, "datasets"),
        ({"filters": {"nosuch": "x"}}, "nosuch"),
        ({"filters": {"dataset": "1"}}, "filters"),
        ({"filters": {"split": "fourth"}}, "split"),
        ({"filters": {"q": 3}}, "filters.q"),
        ({"filters": []}, "filters"),
        ({"sample": {}}, "sample"),
        ({"sample": {"count": 1, "share": 0.5}}, "sample"),
        ({"sample": {"share": 0}}, "sample.share"),
        ({"sample": {"share": 1.5}}, "sample.share"),
        ({"sample": {"count": 0}}, "sample.count"),
        ({"sample": {"count": 5, "by": "nothing"}}, "sample.by"),
        ({"sample": {"count": 5, "by": "answer.nothing"}}, "sample.by"),
        ({"sample": {"count": 5, "by": "answer.aspects"}}, "sample.by"),
        ({"sample": {"count": 5, "seed": -1}}, "sample.seed"),
        ({"cleaning": ["nosuch"]}, "cleaning"),
        ({"cleaning": "html"}, "cleaning"),
        ({"text": ["Title"]}, "text"),
        ({"text": ["text", "text"]}, "text"),
        ({"text": ["text"], "separator": "x" * 41}, "separator"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_by_field(
    project: Project, owner: User, recipe: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        deriving.derive(project=project, name="x", recipe=from_json(recipe), actor=owner)

    assert refused.value.errors[0].field == field


def test_data_sets_of_others_are_no_source(project: Project, owner: User) -> None:
    stranger = factories.project(owner=factories.user(), slug="other")
    theirs = factories.review(stranger).dataset

    with pytest.raises(Invalid):
        deriving.derive(
            project=project, name="x", recipe=Recipe(datasets=(theirs.pk,)), actor=owner
        )


# --- Previews and words ---------------------------------------------------------------------------


def test_a_preview_counts_and_shows_first_what_changes(project: Project) -> None:
    factories.review(project, "Nothing to do here.")
    factories.review(project, "Some <b>markup</b>.")

    seen = deriving.preview(project, Recipe(cleaning=("html",)))

    assert seen.count == 2
    assert [(each.before, each.after) for each in seen.examples] == [
        ("Some <b>markup</b>.", "Some markup."),
        ("Nothing to do here.", "Nothing to do here."),
    ]


def test_the_recipe_is_kept_in_words(source: Dataset, make: Make, project: Project) -> None:
    made = make(
        Recipe(
            datasets=(source.pk,),
            filters=(("product", "kettle"),),
            sample=Sample(per_million=100_000, by="answer.sentiment", seed=7),
            parts=("meta.Title", "text"),
            separator=" [SEP] ",
            cleaning=("html",),
        )
    )

    assert [title for title, _ in made.recipe["said"]] == [
        "Taken from", "Kept where", "Sampled", "Text made of", "Cleaned",
    ]  # fmt: skip
    assert made.recipe["said"][2][1] == (
        "10 % of every class of Sentiment, at least one, by chance with seed 7"
    )


@given(
    st.builds(
        Sample,
        count=st.none(),
        per_million=st.integers(1, 1_000_000),
        by=st.sampled_from(["", "product", "meta.Kind"]),
        seed=st.integers(0, 2**31 - 1),
    )
)
def test_a_recipe_survives_json(sample: Sample) -> None:
    recipe = Recipe((3, 1), (("q", "a"), ("q", "b")), sample, ("html",), ("meta.A", "text"), "|")

    assert from_json(recipe.as_json()) == recipe


def _give_gold(review: Review, key: str, value: str | float) -> None:
    question = _question(review.project, key)
    option = question.options.get(key=value) if isinstance(value, str) else None
    Gold.objects.create(
        project=review.project,
        review=review,
        question=question,
        option=option,
        number=None if option else value,
        source=GoldSource.CONSENSUS,
    )


def _give_span(review: Review, start: int, text: str) -> None:
    question = _question(review.project, "spans")
    GoldSpan.objects.create(
        project=review.project,
        review=review,
        question=question,
        option=question.options.all()[0],
        start=start,
        end=start + len(text),
        text=text,
    )


def _question(project: Project, key: str) -> Question:
    questions = Question.objects.filter(schema__project=project).order_by("-schema__version")
    if key == "spans":
        return questions.filter(kind="spans")[0]
    return questions.filter(key=key)[0]
