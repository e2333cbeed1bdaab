"""The demo's reviews: exact, repeatable, different, and with a story to find."""

import re
from collections import Counter
from datetime import date, timedelta

import pytest

from demo import phrases, story
from demo.grammar import DemoReview, generate
from demo.story import ASPECTS, NEW_BATCH_FROM, PERIOD_DAYS, PRODUCTS, Moment

END = date(2026, 6, 30)
POLARITIES = {"negative", "neutral", "positive"}


@pytest.fixture(scope="module")
def reviews() -> list[DemoReview]:
    return generate(end=END)


@pytest.fixture(scope="module")
def many() -> list[DemoReview]:
    """Enough reviews for shares to be steady."""
    return generate(3000, seed=11, end=END)


def _share_negative(reviews: list[DemoReview], aspect: str) -> float:
    spans = [span for review in reviews for span in review.spans if span.aspect == aspect]
    assert len(spans) >= 15
    return sum(span.polarity == "negative" for span in spans) / len(spans)


def _of(reviews: list[DemoReview], name: str) -> list[DemoReview]:
    return [review for review in reviews if name in review.product]


def _moment(review: DemoReview) -> Moment:
    return Moment(review.reviewed_at, 1 - (END - review.reviewed_at).days / (PERIOD_DAYS - 1))


def test_every_span_covers_whole_words_that_name_its_aspect(many: list[DemoReview]) -> None:
    for review in many:
        for span in review.spans:
            covered = review.text[span.start : span.end]
            assert covered.strip() == covered != ""
            assert not review.text[span.start - 1 : span.start].isalnum()
            assert not review.text[span.end : span.end + 1].isalnum()
            assert span.aspect in review.aspects
            assert span.polarity in POLARITIES


def test_spans_come_in_order_and_never_overlap(many: list[DemoReview]) -> None:
    for review in many:
        ends = [0, *(span.end for span in review.spans)]
        assert all(end <= span.start for end, span in zip(ends, review.spans, strict=False))


def test_spans_after_an_emoji_count_code_points(many: list[DemoReview]) -> None:
    after_emoji = [
        review.text[span.start : span.end].lower()
        for review in many
        for span in review.spans
        if any(ord(letter) > 0xFFFF for letter in review.text[: span.start])
    ]

    assert len(after_emoji) > 30
    assert sum(phrase.startswith("the ") for phrase in after_emoji) > len(after_emoji) / 2
    assert all(re.fullmatch(r"[\w' -]+", phrase) for phrase in after_emoji)


def test_known_words_are_marked_with_their_aspect(many: list[DemoReview]) -> None:
    marked = {
        (review.text[span.start : span.end].lower(), span.aspect)
        for review in many
        for span in review.spans
    }

    assert ("delivery", "shipping") in marked
    assert ("customer service", "customer_service") in marked
    assert ("the hinge", "durability") in marked
    assert ("the zip", "ease_of_use") in marked


def test_the_same_arguments_give_the_same_reviews(reviews: list[DemoReview]) -> None:
    assert generate(600, seed=7, end=END) == reviews


def test_another_seed_gives_other_reviews(reviews: list[DemoReview]) -> None:
    other = {review.text for review in generate(seed=8, end=END)}

    assert len(other & {review.text for review in reviews}) < 20


def test_no_text_is_written_twice(reviews: list[DemoReview], many: list[DemoReview]) -> None:
    for written in (reviews, many):
        texts = {re.sub(r"\W", "", review.text.lower()) for review in written}
        assert len(texts) == len(written)


def test_no_slot_or_mark_is_left_in_a_text(many: list[DemoReview]) -> None:
    for review in many:
        assert not re.search(r"[<>{}\[\]|]|  ", review.text + review.title)
        assert review.title.strip() == review.title != ""
        assert review.text.strip() == review.text != ""


def test_lengths_go_from_a_few_words_to_a_long_text(reviews: list[DemoReview]) -> None:
    words = [len(review.text.split()) for review in reviews]
    sentences = [len(re.findall(r"[.!?]+(?=\s|$)", review.text)) for review in reviews]

    assert min(words) <= 4
    assert max(words) >= 70
    assert max(sentences) <= 10
    assert sum(count <= 2 for count in sentences) > 100
    assert sum(count >= 5 for count in sentences) > 100


def test_sentiments_ratings_and_products_are_spread(reviews: list[DemoReview]) -> None:
    sentiments = Counter(review.sentiment for review in reviews)
    ratings = Counter(review.rating for review in reviews)

    assert 0.42 < sentiments["positive"] / 600 < 0.62
    assert 0.20 < sentiments["negative"] / 600 < 0.38
    assert 0.12 < sentiments["neutral"] / 600 < 0.28
    assert sorted(ratings) == [1, 2, 3, 4, 5]
    assert min(ratings.values()) > 40
    assert {review.product for review in reviews} == {product.name for product in PRODUCTS}
    assert len({review.category for review in reviews}) == 3
    assert min(Counter(review.product for review in reviews).values()) > 40


def test_three_stars_are_given_with_every_sentiment(many: list[DemoReview]) -> None:
    middle = Counter(review.sentiment for review in many if review.rating == 3)

    assert set(middle) == POLARITIES
    assert middle["neutral"] > middle["positive"] + middle["negative"]


def test_no_glowing_review_has_one_star(many: list[DemoReview]) -> None:
    pairs = {(review.sentiment, review.rating) for review in many}

    assert not pairs & {("positive", 1), ("positive", 2), ("negative", 4), ("negative", 5)}


def test_one_aspect_is_rare_and_all_ten_occur(reviews: list[DemoReview]) -> None:
    counts = Counter(aspect for review in reviews for aspect in review.aspects)

    assert set(counts) == set(ASPECTS)
    assert 8 <= counts["packaging"] <= 40
    assert min(count for aspect, count in counts.items() if aspect != "packaging") > 45
    assert max(counts.values()) > 200


def test_some_aspects_are_meant_without_being_named(reviews: list[DemoReview]) -> None:
    implied = [r for r in reviews if r.aspects - {span.aspect for span in r.spans}]

    assert 100 < len(implied) < 350


def test_dates_fill_fourteen_months_up_to_the_end(reviews: list[DemoReview]) -> None:
    dates = [review.reviewed_at for review in reviews]

    assert dates == sorted(dates)
    assert END - timedelta(days=PERIOD_DAYS) < dates[0] < END - timedelta(days=PERIOD_DAYS - 10)
    assert END - timedelta(days=10) < dates[-1] <= END
    assert len({(day.year, day.month) for day in dates}) >= 14


def test_authors_are_handles_and_some_write_again(reviews: list[DemoReview]) -> None:
    authors = Counter(review.author for review in reviews)

    assert all(re.fullmatch(r"reader_\d{4}", author) for author in authors)
    assert 200 < len(authors) < 600


def test_shipping_gets_worse_in_the_winter_rush(many: list[DemoReview]) -> None:
    daypacks = _of(many, "Wendlark")
    winter = [review for review in daypacks if _moment(review).is_winter_rush]
    rest = [review for review in daypacks if not _moment(review).is_winter_rush]

    assert _share_negative(winter, "shipping") > _share_negative(rest, "shipping") + 0.25


def test_the_new_batch_of_headphones_breaks(many: list[DemoReview]) -> None:
    pairs = _of(many, "Tonquell")
    before = [review for review in pairs if _moment(review).share < NEW_BATCH_FROM]
    after = [review for review in pairs if _moment(review).share >= NEW_BATCH_FROM]

    assert _share_negative(after, "durability") > _share_negative(before, "durability") + 0.25


def test_the_blender_gets_dearer_and_people_mind(many: list[DemoReview]) -> None:
    blenders = _of(many, "Brindomix")
    before = [review for review in blenders if _moment(review).share < 0.4]
    after = [review for review in blenders if _moment(review).share >= 0.4]
    blender = next(product for product in PRODUCTS if product.key == "blender")

    prices = [story.price_at(blender, Moment(END, share)) for share in (0.1, 0.5, 0.9)]

    assert prices == [39, 47, 55]
    assert any("39 euros" in review.text for review in before)
    assert not any("39 euros" in review.text for review in after)
    assert _share_negative(after, "price") > _share_negative(before, "price") + 0.25


def test_the_speaker_pairs_better_after_its_update(many: list[DemoReview]) -> None:
    speakers = _of(many, "Humbrook")
    before = [review for review in speakers if _moment(review).share < story.PAIRING_FIX_FROM]
    after = [review for review in speakers if _moment(review).share >= story.PAIRING_FIX_FROM]

    assert _share_negative(before, "ease_of_use") > _share_negative(after, "ease_of_use") + 0.25


def test_the_kettle_gets_a_better_box(many: list[DemoReview]) -> None:
    kettles = _of(many, "Velkory")
    before = [review for review in kettles if _moment(review).share < story.NEW_BOX_FROM]
    after = [review for review in kettles if _moment(review).share >= story.NEW_BOX_FROM]

    assert _packaging_complaints(before) > _packaging_complaints(after) + 0.25


def _packaging_complaints(reviews: list[DemoReview]) -> float:
    spans = [span for review in reviews for span in review.spans if span.aspect == "packaging"]
    assert len(spans) >= 8
    return sum(span.polarity == "negative" for span in spans) / len(spans)


@pytest.mark.parametrize("month", range(1, 13))
def test_whatever_the_last_day_every_label_has_its_reviews(month: int) -> None:
    written = generate(end=date(2026, month, 15))

    aspects = Counter(aspect for review in written for aspect in review.aspects)
    sentiments = Counter(review.sentiment for review in written)

    assert min(aspects[aspect] for aspect in ASPECTS) >= 6
    assert min(sentiments[sentiment] for sentiment in POLARITIES) >= 70
    assert max(review.reviewed_at for review in written) <= date(2026, month, 15)


def test_nobody_reviews_the_umbrella_before_it_is_sold(many: list[DemoReview]) -> None:
    first = min(_of(many, "Fennowick"), key=lambda review: review.reviewed_at)

    assert _moment(first).share >= story.UMBRELLA_LAUNCH


def test_the_bank_holds_several_hundred_different_clauses() -> None:
    templates = {clause.template for clause in phrases.all_clauses()}

    assert len(templates) > 600


@pytest.mark.parametrize("product", PRODUCTS, ids=[product.key for product in PRODUCTS])
def test_every_aspect_of_a_product_can_be_put_in_words(product: story.Product) -> None:
    for aspect in ASPECTS:
        for polarity in POLARITIES:
            assert len(phrases.aspect_clauses(product, aspect, polarity)) >= 1


def test_no_review_can_be_asked_for() -> None:
    assert generate(0, end=END) == []


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative, but is -1"):
        generate(-1, end=END)
