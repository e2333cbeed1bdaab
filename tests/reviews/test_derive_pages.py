"""The page on which a data set is made of others, the same over REST, and what it leads to."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from jobs.models import Job
from jobs.worker import run_here
from projects.models import Project, Role
from reviews.decoded import decode
from reviews.members import reviews_in
from reviews.models import Dataset
from reviews.panels import TextPiece
from reviews.recipes import Recipe, Sample, from_json
from tests import factories

HX = {"HX-Request": "true"}


@pytest.fixture
def project(db: None) -> Project:
    return factories.project(owner=factories.user("olga"))


@pytest.fixture
def source(project: Project) -> Dataset:
    dataset = factories.dataset(project, "kitchen")
    for number in range(20):
        factories.review(
            project,
            f"Kettle <i>{number}</i>",
            dataset=dataset,
            product="kettle" if number % 2 else "pot",
        )
    return dataset


@pytest.fixture
def client(project: Project) -> Client:
    return _client(factories.member(project, Role.ANALYST, "ana"))


def _client(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def url(project: Project) -> str:
    return reverse("reviews:derive", args=[project.slug])


FILLED = {"part1": "text", "between": "paragraph"}


def test_filling_in_the_form_starts_the_job_and_leads_to_it(
    client: Client, url: str, source: Dataset
) -> None:
    sent = {
        **FILLED, "name": "half", "source": source.pk, "product": "pot", "sample": "share",
        "amount": "50", "seed": "4", "step": ["html", "spaces"],
    }  # fmt: skip

    answer = client.post(url, sent)

    job = Job.objects.get()
    assert answer.status_code == 302
    assert str(job.pk) in answer["Location"]
    made = Dataset.objects.get(name="half")
    assert from_json(made.recipe) == Recipe(
        datasets=(source.pk,),
        filters=(("product", "pot"),),
        sample=Sample(per_million=500_000, seed=4),
        cleaning=("html", "spaces"),
    )
    run_here(job)
    texts = [review.text for review in reviews_in(made)]
    assert len(texts) == 5
    assert not any("<" in text for text in texts)
    page = client.get(answer["Location"]).content.decode()
    assert reverse("reviews:dataset", args=["shop", made.pk]) in page


def test_the_form_takes_the_filters_of_the_table_from_the_address(
    client: Client, url: str, source: Dataset
) -> None:
    page = client.get(f"{url}?dataset={source.pk}&product=pot&q=kettle&columns=split&after=3")

    html = page.content.decode()
    assert page.status_code == 200
    assert '<input type="hidden" name="product" value="pot">' in html
    assert "Product: pot" in html
    assert 'name="q" value="kettle"' in html
    assert page.context["form"].recipe is not None
    assert page.context["form"].data.getlist("source") == [str(source.pk)]
    assert 'name="columns"' not in html
    assert 'name="after"' not in html


def test_an_address_that_makes_a_recipe_gives_the_same_recipe(
    client: Client, url: str, source: Dataset, project: Project
) -> None:
    recipe = Recipe(
        datasets=(source.pk,),
        filters=(("q", "kettle"), ("product", "pot")),
        sample=Sample(per_million=25_000, by="product", seed=9),
        cleaning=("spaces", "html"),
        parts=("meta.Title", "text", "product"),
        separator=" :: ",
    )

    form = client.get(f"{url}?name=x&{recipe.as_query()}").context["form"]

    assert form.is_valid(), form.errors
    assert form.recipe() == recipe
    # A browser sends ticked boxes in the order of the page.
    assert [key for key, _ in form.fields["step"].choices][:2] == ["spaces", "html"]


def test_the_preview_counts_and_shows_texts_before_and_after(
    client: Client, url: str, source: Dataset
) -> None:
    answer = client.get(url, {**FILLED, "product": "pot", "step": "html"}, headers=HX)

    html = answer.content.decode()
    assert "<html" not in html
    assert "<strong>10</strong> reviews fit" in html
    assert "Kettle &lt;i&gt;0&lt;/i&gt;" in html
    assert "Kettle 0" in html


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"sample": "share"}, "how many percent"),
        ({"sample": "share", "amount": "101"}, "at most 100"),
        ({"sample": "count", "amount": "2.5"}, "no whole number"),
        ({"split": "fourth"}, "no split"),
        ({"nosuch": "1"}, "no filter"),
        ({"sample": "count", "amount": "3", "by": "answer.gone"}, "makes no classes"),
        ({"part1": "text", "part2": "text"}, "named twice"),
        ({"source": "99999"}, "Select a valid choice"),
    ],
)
def test_the_preview_and_the_form_say_what_is_wrong(
    client: Client, url: str, source: Dataset, sent: dict[str, str], said: str
) -> None:
    filled = {**FILLED, "name": "x", **sent}

    seen = client.get(url, filled, headers=HX)
    refused = client.post(url, filled)

    assert seen.status_code == 200
    assert said in seen.content.decode()
    assert refused.status_code == 400
    assert said in refused.content.decode()
    assert not Job.objects.exists()


@pytest.mark.parametrize("name", ["", "kitchen", "x" * 101])
def test_a_name_that_cannot_be_is_refused(
    client: Client, url: str, source: Dataset, name: str
) -> None:
    answer = client.post(url, {**FILLED, "name": name})

    assert answer.status_code == 400
    assert "name" in answer.context["form"].errors
    assert Dataset.objects.count() == 1


def test_the_page_of_the_data_set_tells_its_history_and_can_make_it_again(
    client: Client, url: str, source: Dataset
) -> None:
    client.post(url, {**FILLED, "name": "pots", "source": source.pk, "product": "pot"})
    run_here(Job.objects.get())
    pots = Dataset.objects.get(name="pots")
    client.post(url, {**FILLED, "name": "clean pots", "source": pots.pk, "step": "html"})
    run_here(Job.objects.get(state=Job.State.QUEUED, kind="derive"))
    cleaned = Dataset.objects.get(name="clean pots")

    page = client.get(reverse("reviews:dataset", args=["shop", cleaned.pk])).content.decode()

    assert "Decode HTML" in page
    assert "Product: pot" in page
    assert f"{url}?source={pots.pk}&amp;step=html" in page
    assert reverse("reviews:dataset", args=["shop", source.pk]) in page


def test_the_table_leads_to_the_form_with_its_filters(
    client: Client, url: str, source: Dataset
) -> None:
    page = client.get(reverse("reviews:list", args=["shop"]), {"product": "pot"}).content.decode()

    assert f'href="{url}?product=pot"' in page


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ANNOTATOR, Role.REVIEWER])
def test_whoever_analyses_nothing_makes_no_data_sets(
    project: Project, url: str, source: Dataset, role: Role
) -> None:
    client = _client(factories.member(project, role))

    assert client.get(url).status_code == 403
    assert client.post(url, {**FILLED, "name": "x"}).status_code == 403
    assert url not in client.get(reverse("reviews:list", args=["shop"])).content.decode()


def test_an_outsider_finds_nothing(url: str, source: Dataset) -> None:
    mallory = factories.user("mallory")
    factories.project(owner=mallory, slug="other")

    assert _client(mallory).get(url).status_code == 404


# --- REST ---------------------------------------------------------------------------------------


def _ask(client: Client, body: Any, **headers: str) -> Any:
    return client.post(
        "/api/v1/projects/shop/datasets/derive/",
        json.dumps(body),
        content_type="application/json",
        headers=headers,
    )


def test_a_program_makes_a_data_set_and_repeats_itself_in_safety(
    client: Client, source: Dataset
) -> None:
    body = {
        "name": "sample",
        "datasets": [source.pk],
        "filters": {"product": "pot"},
        "sample": {"share": 0.2, "by": "product", "seed": 1},
        "cleaning": ["html"],
        "text": ["product", "text"],
        "separator": " [SEP] ",
    }

    first = _ask(client, body, **{"Idempotency-Key": "one"})
    again = _ask(client, body, **{"Idempotency-Key": "one"})

    assert first.status_code == again.status_code == 202
    assert first.json()["job"] == again.json()["job"]
    assert first.json()["dataset"]["name"] == "sample"
    assert first.json()["dataset"]["is_ready"] is False
    run_here(Job.objects.get())
    made = Dataset.objects.get(name="sample")
    assert made.review_count == 2
    shown = client.get(f"/api/v1/projects/shop/datasets/{made.pk}/").json()
    assert (shown["kind"], shown["made_of"]) == ("cleaned", source.pk)
    assert shown["recipe"]["sample"] == {"count": None, "share": 0.2, "by": "product", "seed": 1}
    assert shown["recipe"]["outcome"]["copied"] == 2
    assert all(text.startswith("pot [SEP] Kettle ") for text in _texts(made))


def _texts(dataset: Dataset) -> list[str]:
    return [review.text for review in reviews_in(dataset)]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": "x", "nosuch": 1}, "nosuch"),
        ({"name": "x", "cleaning": ["nosuch"]}, "cleaning"),
        ({"name": "x", "filters": {"nosuch": "1"}}, "nosuch"),
        ({"name": "x", "filters": {"q": 3}}, "filters.q"),
        ({"name": "x", "sample": {"share": 2}}, "sample.share"),
        ({"name": "x", "sample": {"more": 2}}, "sample.more"),
        ({"name": "x", "sample": {"count": 3, "share": 0.5}}, "sample"),
        ({"name": "x", "datasets": [77]}, "datasets"),
    ],
)
def test_a_body_that_makes_no_sense_is_refused_by_field(
    client: Client, source: Dataset, body: dict[str, Any], field: str
) -> None:
    answer = _ask(client, body)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"].startswith(field)
    assert not Job.objects.exists()


def test_a_taken_name_is_a_conflict(client: Client, source: Dataset) -> None:
    answer = _ask(client, {"name": "kitchen"})

    assert answer.status_code == 409
    assert "kitchen" in answer.json()["detail"]


# --- Decoded texts --------------------------------------------------------------------------------


def test_a_review_is_shown_decoded_by_choice_and_as_it_came_otherwise(
    client: Client, project: Project
) -> None:
    review = factories.review(project, "Fish &amp; chips<br>again")
    url = reverse("reviews:detail", args=["shop", review.pk])

    plain = client.get(url).content.decode()
    shown = client.get(url, {"decoded": "1"}).content.decode()

    assert "Fish &amp;amp; chips&lt;br&gt;again" in plain
    assert "Fish &amp; chips\nagain" in shown
    assert "Show it decoded" in plain
    assert "as it came" in shown


def test_marks_stay_with_their_words_when_a_text_is_decoded() -> None:
    pieces = [
        TextPiece("<b>The "),
        TextPiece("fish &amp; chips", 3, ("food",)),
        TextPiece("</b> were "),
        TextPiece("&eacute;", 1, ("letter",)),
    ]

    shown = decode("".join(piece.text for piece in pieces), pieces)

    assert [(piece.text, piece.labels) for piece in shown] == [
        ("The ", ()), ("fish & chips", ("food",)), (" were ", ()), ("é", ("letter",)),
    ]  # fmt: skip


@given(
    st.lists(
        st.sampled_from(["a", "&amp;", "<b>", "<br>", " ", "e", "&#769;", "&am", "p;", "<", "b>"]),
        min_size=1,
        max_size=12,
    )
)
def test_the_pieces_are_always_the_whole_decoded_text(parts: list[str]) -> None:
    from reviews.cleaning import clean

    text = clean("x" + "".join(parts) + "x", [])
    cut = len(text) // 2

    shown = decode(text, [TextPiece(text[:cut]), TextPiece(text[cut:])])

    assert "".join(piece.text for piece in shown) == clean(text, ["html"])
