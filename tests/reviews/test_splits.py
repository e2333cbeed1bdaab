"""A data set's splits: drawn with its groups and strata, frozen by a training, never half done."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import pytest

from accounts.models import User
from common.errors import Conflict, Invalid
from common.text import text_hash
from jobs.lease import Lease, LeaseLost, claim_one
from jobs.models import Job
from jobs.worker import run_here
from projects.models import Project
from reviews import aftermath, drawing, splits, splitting, strata
from reviews.models import Dataset, Review
from reviews.splitting import Wishes
from tests import factories

pytestmark = pytest.mark.django_db

LONG = "The kettle boils fast and pours well but its lid is {} and hard to clean after a week {}"


class FakeAnswers:
    """Some reviews answer one question, by a mark in their text."""

    def questions(self, dataset: Dataset) -> list[strata.Stratifier]:
        answered = dataset.reviews.filter(text__contains="#").exists()
        return [strata.Stratifier("mood", "Mood")] if answered else []

    def answers(self, dataset: Dataset, key: str) -> Iterable[tuple[int, str]]:
        assert key == "mood"
        for review in dataset.reviews.filter(text__contains="#"):
            yield review.pk, review.text.rpartition("#")[2]


@pytest.fixture(autouse=True)
def answered() -> Iterator[None]:
    before = strata._known[:]
    strata.register(FakeAnswers())
    yield
    strata._known[:] = before


def _dataset(project: Project, texts: list[str], **fields: object) -> Dataset:
    """Make a data set as an import leaves it: drawn from hashes."""
    dataset = factories.dataset(project)
    for text in texts:
        drawn = splits.draw(text_hash(text), control_share=0.1)
        factories.review(
            project, text, dataset=dataset, split=drawn.split, is_control=drawn.is_control, **fields
        )
    Dataset.objects.filter(pk=dataset.pk).update(review_count=len(texts))
    dataset.refresh_from_db()
    return dataset


def _drawn(dataset: Dataset, wishes: Wishes | None = None) -> Job:
    job = run_here(splitting.redraw(dataset=dataset, wishes=wishes or Wishes(), actor=None))
    assert job.state == Job.State.SUCCEEDED, job.reason
    dataset.refresh_from_db()
    return job


def _splits(dataset: Dataset) -> dict[str, str]:
    return dict(dataset.reviews.values_list("text", "split"))


def _texts(count: int, *, mark: Callable[[int], str] = lambda _: "") -> list[str]:
    return [f"Review {number} of {number * 7919 % 1000}{mark(number)}" for number in range(count)]


def _copies(number: int) -> list[str]:
    """Return three texts that nearly equal each other and no other three."""
    own = f"model{number} shop{number} shelf{number} box{number} lamp{number}"
    return [LONG.format(word, own) for word in ("stiff", "loose", "heavy")]


def test_near_duplicates_share_a_group_and_a_split(project: Project) -> None:
    dataset = _dataset(project, [text for n in range(30) for text in _copies(n)] + _texts(50))

    _drawn(dataset)

    by_group: dict[int, list[Review]] = {}
    for review in dataset.reviews.exclude(group_key=None).order_by("pk"):
        by_group.setdefault(review.group_key or 0, []).append(review)
    assert len(by_group) == 30
    assert all(len(members) == 3 for members in by_group.values())
    assert all(members[0].pk == key for key, members in by_group.items())
    assert all(len({each.split for each in members}) == 1 for members in by_group.values())
    assert dataset.near_duplicate_count == 90
    assert dataset.split_plan["counts"]["groups"] == 30
    assert dataset.compared_at is not None


def test_every_answer_has_its_shares(project: Project) -> None:
    texts = _texts(200, mark=lambda number: "#good" if number % 4 else "#bad")
    dataset = _dataset(project, texts + _texts(100, mark=lambda _: " unmarked"))

    _drawn(dataset)

    assert dataset.split_plan["counts"]["strata"] == [
        {"name": "", "train": 70, "validation": 15, "test": 15},
        {"name": "bad", "train": 35, "validation": 8, "test": 7},
        {"name": "good", "train": 105, "validation": 22, "test": 23},
    ]
    counts = Counter(_splits(dataset).values())
    assert counts == {"train": 210, "validation": 45, "test": 45}
    assert {key: dataset.split_counts[key] for key in counts} == counts
    assert dataset.split_plan["question"] == "mood"


def test_the_order_of_the_rows_does_not_matter(project: Project) -> None:
    texts = _texts(80, mark=lambda number: f"#{number % 3}") + _copies(1) + _copies(2)
    one = _dataset(project, texts)
    _drawn(one, Wishes(seed=4))
    first = _splits(one)
    one.delete()

    other = _dataset(project, texts[::-1])
    _drawn(other, Wishes(seed=4))

    assert _splits(other) == first


def test_the_reviews_of_a_product_stay_together_when_asked(project: Project) -> None:
    dataset = _dataset(project, [])
    for number, text in enumerate(_texts(200)):
        factories.review(project, text, dataset=dataset, product=f"product {number % 40}")

    _drawn(dataset, Wishes(by_product=True))

    pairs = set(dataset.reviews.values_list("product", "split"))
    assert len(pairs) == 40
    assert {split for _, split in pairs} == {"train", "validation", "test"}


def test_wishes_are_kept_beside_what_came_of_them(project: Project) -> None:
    dataset = _dataset(project, _texts(100))

    _drawn(dataset, Wishes(question="", shares=(0.5, 0.2, 0.3), seed=9))

    plan = dataset.split_plan
    assert (plan["shares"], plan["seed"], plan["method"]) == ([0.5, 0.2, 0.3], 9, "random")
    assert Counter(_splits(dataset).values()) == {"train": 50, "validation": 20, "test": 30}


def test_the_control_slice_stays_as_the_import_drew_it(project: Project) -> None:
    dataset = _dataset(project, _texts(100))
    before = set(dataset.reviews.filter(is_control=True).values_list("pk", flat=True))

    _drawn(dataset, Wishes(seed=3))

    assert set(dataset.reviews.filter(is_control=True).values_list("pk", flat=True)) == before
    assert dataset.split_counts["control"] == len(before) > 0


def test_a_later_data_set_follows_the_reviews_that_it_resembles(project: Project) -> None:
    first = _dataset(project, [_copies(number)[0] for number in range(40)])
    _drawn(first, Wishes(seed=1))
    second = _dataset(project, [_copies(number)[1] for number in range(40)])

    _drawn(second, Wishes(seed=2))

    pairs = Review.objects.values_list("group_key", "split").distinct()
    assert pairs.count() == 40
    assert second.split_plan["counts"]["followed"] == 40


def test_groups_that_were_found_before_stay(project: Project) -> None:
    first = _dataset(project, _copies(1) + _copies(2))
    _drawn(first)
    before = dict(first.reviews.values_list("pk", "group_key"))

    _drawn(_dataset(project, _texts(20)))

    assert dict(first.reviews.values_list("pk", "group_key")) == before
    assert None not in before.values()


def test_reviews_of_other_projects_are_not_compared(project: Project, mallory: User) -> None:
    foreign = mallory.memberships.get().project
    _drawn(_dataset(foreign, _copies(1)))
    dataset = _dataset(project, _copies(1)[:1])

    _drawn(dataset)

    assert dataset.reviews.get().group_key is None


def test_copies_have_the_split_and_the_group_of_their_originals(project: Project) -> None:
    original = _dataset(project, _copies(1) + _texts(60))
    cleaned = factories.dataset(project)
    Dataset.objects.filter(pk=cleaned.pk).update(kind=Dataset.Kind.CLEANED, parent=original)
    for review in original.reviews.all():
        factories.review(project, review.text.upper(), dataset=cleaned, derived_from=review)

    _drawn(original, Wishes(seed=5))

    for copy in cleaned.reviews.select_related("derived_from"):
        assert copy.derived_from is not None
        assert copy.split == copy.derived_from.split
        assert copy.group_key == copy.derived_from.group_key
    cleaned.refresh_from_db()
    assert cleaned.split_counts == original.split_counts | {"control": 0}
    assert cleaned.split_plan["method"] == "inherited"
    with pytest.raises(Conflict, match="copies"):
        splitting.redraw(dataset=cleaned, wishes=Wishes(), actor=None)


# --- Frozen ---------------------------------------------------------------------------------------


def test_a_frozen_data_set_is_not_drawn_again(project: Project) -> None:
    dataset = _dataset(project, _texts(30))
    _drawn(dataset)
    before = _splits(dataset)

    assert splitting.freeze(project) == 1
    assert splitting.freeze(project) == 0

    dataset.refresh_from_db()
    with pytest.raises(Conflict, match="frozen"):
        splitting.redraw(dataset=dataset, wishes=Wishes(seed=2), actor=None)
    assert _splits(dataset) == before


def test_freezing_carries_out_what_was_asked_for_first(project: Project) -> None:
    dataset = _dataset(project, _texts(50))
    job = splitting.redraw(dataset=dataset, wishes=Wishes(seed=6), actor=None)

    splitting.freeze(project)

    job.refresh_from_db()
    dataset.refresh_from_db()
    assert job.state == Job.State.SUCCEEDED
    assert dataset.split_plan["seed"] == 6
    assert dataset.splits_frozen_at is not None


def test_a_review_that_resembles_a_frozen_one_takes_its_split(project: Project) -> None:
    frozen = _dataset(project, [_copies(number)[0] for number in range(40)])
    _drawn(frozen)
    splitting.freeze(project)
    before = _splits(frozen)
    new = _dataset(project, [_copies(number)[2] for number in range(40)] + _texts(40))

    _drawn(new, Wishes(seed=8))

    assert _splits(frozen) == before
    for review in new.reviews.exclude(group_key=None):
        original = frozen.reviews.get(group_key=review.group_key)
        assert review.split == original.split
    assert new.reviews.exclude(group_key=None).count() == 40


# --- Asked for ------------------------------------------------------------------------------------


def test_whatever_comes_in_is_drawn(project: Project) -> None:
    dataset = _dataset(project, _texts(10))

    aftermath.follow(dataset)

    job = Job.objects.get(project=project, kind="split")
    assert run_here(job).state == Job.State.SUCCEEDED
    dataset.refresh_from_db()
    assert dataset.split_plan["method"] == "random"
    assert splitting.outcome(job) == (
        "See the splits",
        f"/projects/shop/reviews/datasets/{dataset.pk}/",
    )


def test_one_draw_of_a_data_set_at_a_time(project: Project) -> None:
    dataset = _dataset(project, _texts(10))
    splitting.redraw(dataset=dataset, wishes=Wishes(), actor=None)

    with pytest.raises(Conflict, match="under way"):
        splitting.redraw(dataset=dataset, wishes=Wishes(seed=1), actor=None)


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        (Wishes(question="colour"), "mood"),
        (Wishes(shares=(0.9, 0.2, 0.1)), "100 %"),
        (Wishes(shares=(1.0, 0.0, 0.0)), "at least 1 %"),
        (Wishes(seed=-1), "seed"),
    ],
    ids=["question", "sum", "nothing", "seed"],
)
def test_bad_wishes_are_refused_in_words(project: Project, wishes: Wishes, message: str) -> None:
    dataset = _dataset(project, _texts(5, mark=lambda _: "#good"))

    with pytest.raises(Invalid, match=message):
        splitting.redraw(dataset=dataset, wishes=wishes, actor=None)


def test_a_data_set_that_has_gone_meanwhile_is_no_error(project: Project) -> None:
    dataset = _dataset(project, _texts(5))
    job = splitting.redraw(dataset=dataset, wishes=Wishes(), actor=None)
    dataset.delete()

    assert run_here(job).state == Job.State.SUCCEEDED


# --- Killed ---------------------------------------------------------------------------------------


class Interrupted(Lease):
    """A lease in whose first progress something else happens."""

    def __init__(self, lease: Lease, happens: Callable[[], object]) -> None:
        super().__init__(lease.job)
        self._happens = [happens]

    def progress(self, *, done: int, total: int | None = None, message: str = "") -> None:
        if self._happens:
            self._happens.pop()()
        super().progress(done=done, total=total, message=message)


def test_two_draws_at_once_do_not_part_a_group(project: Project) -> None:
    one = _dataset(project, [_copies(number)[0] for number in range(40)])
    other = _dataset(project, [_copies(number)[1] for number in range(40)])
    job = splitting.redraw(dataset=one, wishes=Wishes(seed=1), actor=None)

    # The other draw reads this one's reviews as not drawn yet, and the other way round.
    drawing.run(Interrupted(_claimed(job), lambda: _drawn(other, Wishes(seed=2))))

    assert Review.objects.values_list("group_key", "split").distinct().count() == 40
    one.refresh_from_db()
    assert one.split_plan["counts"]["followed"] == 40


class Killed(Exception):
    """The worker was killed."""


class Mortal(Lease):
    """A lease whose worker dies before its nth effect, or after it."""

    def __init__(self, lease: Lease, *, at: int) -> None:
        super().__init__(lease.job)
        self._left = at

    def progress(self, *, done: int, total: int | None = None, message: str = "") -> None:
        self._count()
        super().progress(done=done, total=total, message=message)

    @contextmanager
    def effect(self, *, step: int | None = None, **changes: object) -> Iterator[None]:
        self._count()
        with super().effect(step=step, **changes):
            yield

    def _count(self) -> None:
        if not self._left:
            raise Killed
        self._left -= 1


def _claimed(job: Job) -> Lease:
    lease = claim_one(job_id=job.pk, worker="test")
    assert lease is not None
    return lease


def test_a_draw_that_is_killed_anywhere_ends_as_if_it_had_not(project: Project) -> None:
    texts = [text for n in range(5) for text in _copies(n)] + _texts(40)
    whole = _dataset(project, texts)
    _drawn(whole, Wishes(seed=3))
    expected, groups = _splits(whole), whole.reviews.exclude(group_key=None).count()
    whole.delete()
    dataset = _dataset(project, texts)
    at_once = _splits(dataset)
    job = splitting.redraw(dataset=dataset, wishes=Wishes(seed=3), actor=None)

    for at in range(10):
        lease = _claimed(job)
        try:
            drawing.run(Mortal(lease, at=at))
        except Killed:
            assert _splits(dataset) == at_once, "half a draw is to be seen"
            Job.objects.filter(pk=job.pk).update(state=Job.State.QUEUED)
        else:
            break

    assert at > 2
    assert _splits(dataset) == expected
    assert dataset.reviews.exclude(group_key=None).count() == groups == 15
    drawing.run(lease)
    assert _splits(dataset) == expected


def test_a_worker_that_lost_its_lease_changes_nothing(project: Project) -> None:
    dataset = _dataset(project, _copies(1) + _texts(20))
    before = _splits(dataset)
    job = splitting.redraw(dataset=dataset, wishes=Wishes(seed=3), actor=None)
    lease = _claimed(job)
    Job.objects.filter(pk=job.pk).update(fence=lease.fence + 1)

    with pytest.raises(LeaseLost):
        drawing.run(lease)

    assert _splits(dataset) == before
    assert not dataset.reviews.exclude(group_key=None).exists()
