"""The pages about models."""

import html
import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User
from jobs.models import Job
from labelling.models import QualityCheck
from ml.models import ModelVersion, PredictionJob, TrainingRun
from ml.planning import plan_training
from ml.reproduce.recipes import RECIPES
from projects.models import Project, Role
from reviews.models import Dataset, Review
from tests.ml.conftest import finish, hold

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]
Member = Callable[[Role], User]
BASE = "/projects/shop/models/"


def text_of(client: Client, path: str, **data: str) -> str:
    response = client.get(BASE + path, data)
    assert response.status_code == 200
    return response.content.decode()


def test_an_empty_project_offers_the_first_training(
    owner: User, project: Project, signed_in: Browser
) -> None:
    page = text_of(signed_in(owner), "")

    assert "Train the first model" in page
    assert f'href="{BASE}retrain/"' in page


def test_a_viewer_is_told_who_trains(project: Project, member: Member, signed_in: Browser) -> None:
    page = text_of(signed_in(member(Role.VIEWER)), "")

    assert "An owner of the project trains it." in page
    assert "Retrain" not in page


def test_the_plan_says_what_is_missing(owner: User, project: Project, signed_in: Browser) -> None:
    page = text_of(signed_in(owner), "retrain/")

    assert "No chosen question has an answer on a training review yet." in page
    assert "Start training" not in page


def test_the_plan_counts_gold_and_names_its_basis(
    owner: User, labelled: list[Review], signed_in: Browser
) -> None:
    page = text_of(signed_in(owner), "retrain/", tier="tfidf")

    assert "Only 36 training answers" in page
    assert "this is roughly what two cores need" in page


def test_the_plan_counts_every_answer_and_says_which_are_too_rare(
    owner: User, labelled: list[Review], project: Project, signed_in: Browser
) -> None:
    by_key = {each.key: each for each in plan_training(project).questions}
    sentiment = {each.name: each for each in by_key["sentiment"].classes}

    assert (sentiment["Positive"].train_count, sentiment["Positive"].test_count) == (18, 6)
    assert sentiment["Neutral"].note == "no training example: it will never be predicted"
    assert {e.name: e.train_count for e in by_key["rating"].classes}["5"] == 18
    assert {e.name: e.train_count for e in by_key["aspect_spans"].classes}["Quality"] == 36
    page = text_of(signed_in(owner), "retrain/", tier="tfidf")
    assert "1 with too few examples" in page


def test_a_preset_fills_in_what_a_recipe_was_measured_with(
    owner: User, labelled: list[Review], signed_in: Browser
) -> None:
    page = text_of(signed_in(owner), "retrain/")
    found = re.findall(r'<a href="\?([^"]+)" title="Measured on: ([^"]+)"', page)
    links = {html.unescape(data): query for query, data in found}

    query = links[RECIPES["semeval"].title]
    response = signed_in(owner).get(f"{BASE}retrain/?{html.unescape(query)}")

    form, plan = response.context["form"], response.context["plan"]
    assert set(links) == {recipe.title for recipe in RECIPES.values()}
    assert not form.errors
    assert form["questions"].value() == [each.key for each in plan.questions]
    assert plan.config is not None
    assert plan.config.tier == "full"
    assert (plan.config.epochs, plan.config.max_tokens) == (6, 96)


def test_pressing_retrain_starts_one_training_however_often(
    owner: User, labelled: list[Review], signed_in: Browser
) -> None:
    browser = signed_in(owner)

    first = browser.post(BASE + "retrain/", {"tier": "tfidf"})
    second = browser.post(BASE + "retrain/", {"tier": "tfidf"})

    assert first.headers["Location"] == BASE + "runs/1/"
    assert second.headers["Location"] == BASE + "runs/1/"
    assert TrainingRun.objects.get().tier == "tfidf"


def test_an_unknown_tier_is_said_beside_the_field(
    owner: User, labelled: list[Review], signed_in: Browser
) -> None:
    response = signed_in(owner).post(BASE + "retrain/", {"tier": "magic"})

    assert response.status_code == 400
    assert "Select a valid choice. magic is not one" in response.content.decode()
    assert not TrainingRun.objects.exists()


def test_a_running_training_is_polled_and_a_finished_one_is_not(
    owner: User, labelled: list[Review], start: Callable[..., TrainingRun], signed_in: Browser
) -> None:
    browser, run = signed_in(owner), start()
    waiting = text_of(browser, "runs/1/")
    assert run.job is not None
    finish(run.job)

    done = text_of(browser, "runs/1/")
    fragment = browser.get(BASE + "runs/1/", headers={"HX-Request": "true"})

    assert 'hx-trigger="every 1s"' in waiting
    assert "No worker is listening for trainings." in waiting
    assert "hx-trigger" not in done.partition('id="main"')[2]
    assert "See version 1" in done
    assert fragment.status_code == 286


def test_the_curve_is_sent_only_when_it_has_grown(
    owner: User, labelled: list[Review], start: Callable[..., TrainingRun], signed_in: Browser
) -> None:
    browser, run = signed_in(owner), start()
    assert run.job is not None
    hold(run.job)
    run.curve = [{"epoch": 1, "train_loss": 0.7, "validation_loss": 0.8}]
    run.save()
    curve = BASE + "runs/1/?part=curve&seen="

    same = browser.get(curve + "1", headers={"HX-Request": "true"})
    grown = browser.get(curve + "0", headers={"HX-Request": "true"})

    assert same.status_code == 204
    assert "Loss by epoch" in grown.content.decode()


def test_a_version_shows_figures_baselines_and_cells_that_open_reviews(
    owner: User, trained: Callable[..., ModelVersion], signed_in: Browser
) -> None:
    trained()

    page = text_of(signed_in(owner), "versions/1/")

    assert "champion" in page
    assert "accuracy" in page
    url = (
        "/projects/shop/reviews/?split=test&amp;answer.sentiment=positive"
        "&amp;predicted.sentiment=positive&amp;model=1"
    )
    assert f'href="{url}"' in page
    assert "Promote</button>" not in page


def test_a_version_says_why_a_baseline_has_no_figures(
    owner: User, trained: Callable[..., ModelVersion], signed_in: Browser
) -> None:
    evaluation = trained().evaluations.get(question_key="sentiment")
    note = "Left out, because the training was stopped early."
    evaluation.metrics["baselines"]["single_task"] = {"note": note}
    evaluation.save()

    page = text_of(signed_in(owner), "versions/1/")

    assert f"One model a question: {note}" in page
    assert "Alone</th>" in page


def test_a_candidate_is_compared_and_promoted_by_owners_only(
    owner: User, trained: Callable[..., ModelVersion], member: Member, signed_in: Browser
) -> None:
    trained()
    second = trained(seed=3)
    analyst = signed_in(member(Role.ANALYST))
    assert "Promote</button>" not in text_of(analyst, "versions/2/")
    assert analyst.post(BASE + "versions/2/promote/").status_code == 403
    assert "What a promotion changes" in text_of(signed_in(owner), "versions/2/")

    response = signed_in(owner).post(BASE + "versions/2/promote/")

    second.refresh_from_db()
    assert response.headers["Location"] == BASE + "versions/2/"
    assert second.is_champion
    assert ModelVersion.objects.filter(is_champion=True).count() == 1


def test_one_review_is_answered_at_once(
    owner: User, trained: Callable[..., ModelVersion], signed_in: Browser
) -> None:
    trained()

    response = signed_in(owner).post(
        BASE + "try/", {"text": "The quality is lovely."}, headers={"HX-Request": "true"}
    )

    page = response.content.decode()
    assert response.status_code == 200
    assert "<html" not in page
    assert 'class="chip chip-suggested">Positive' in page
    assert "Model version 1" in page


def test_an_empty_review_is_said_to_be_empty(
    owner: User, trained: Callable[..., ModelVersion], signed_in: Browser
) -> None:
    trained()

    response = signed_in(owner).post(BASE + "try/", {"text": " "}, headers={"HX-Request": "true"})

    assert response.status_code == 422
    assert "This field is required." in response.content.decode()


def test_a_data_set_is_predicted_and_handed_out(
    owner: User,
    trained: Callable[..., ModelVersion],
    waiting: list[Review],
    dataset: Dataset,
    signed_in: Browser,
) -> None:
    trained()
    browser = signed_in(owner)

    response = browser.post(BASE + "predictions/", {"dataset": str(dataset.pk)})
    work = PredictionJob.objects.get()
    assert work.job is not None
    finish(work.job)

    assert response.headers["Location"] == f"{BASE}predictions/{work.pk}/"
    assert "71 rows, in the order of the input" in text_of(browser, f"predictions/{work.pk}/")
    assert "spring" in text_of(browser, "predictions/")
    results = browser.get(f"{BASE}predictions/{work.pk}/results/?format=csv")
    assert len(b"".join(results.streaming_content).splitlines()) == 72  # type: ignore[attr-defined]

    # A job may be cleared away; what it predicted stays.
    work.job.delete()
    assert "spring" in text_of(browser, "predictions/")
    PredictionJob.objects.update(result_file="")
    assert "spring" in text_of(browser, "predictions/")


def test_neither_or_both_sources_are_refused(
    owner: User, trained: Callable[..., ModelVersion], signed_in: Browser
) -> None:
    trained()

    response = signed_in(owner).post(BASE + "predictions/", {})

    assert response.status_code == 400
    assert "Choose a data set or a file, one of them." in response.content.decode()


def test_the_queue_can_be_ranked_again(
    owner: User, trained: Callable[..., ModelVersion], signed_in: Browser
) -> None:
    trained()
    ranking = Job.objects.get(kind="score")
    finish(ranking)

    response = signed_in(owner).post(BASE + "rank/")

    again = Job.objects.exclude(pk=ranking.pk).get(kind="score")
    assert response.headers["Location"] == f"/projects/shop/jobs/{again.pk}/"


# --- Who may --------------------------------------------------------------------------------------

PAGES = [
    ("GET", "", Role.VIEWER),
    ("GET", "runs/1/", Role.VIEWER),
    ("GET", "versions/1/", Role.VIEWER),
    ("POST", "rank/", Role.ANALYST),
    ("GET", "try/", Role.ANALYST),
    ("POST", "try/", Role.ANALYST),
    ("GET", "predictions/", Role.ANALYST),
    ("POST", "predictions/", Role.ANALYST),
    ("GET", "predictions/1/", Role.ANALYST),
    ("GET", "predictions/1/results/", Role.ANALYST),
    ("GET", "retrain/", Role.OWNER),
    ("POST", "retrain/", Role.OWNER),
    ("POST", "versions/1/promote/", Role.OWNER),
]


@pytest.mark.parametrize(("method", "path", "lowest"), PAGES)
def test_every_role_gets_in_or_is_told_why_not(
    method: str, path: str, lowest: Role, project: Project, member: Member, signed_in: Browser
) -> None:
    for role in Role:
        answer = signed_in(member(role)).generic(method, BASE + path)

        assert (answer.status_code == 403) == (role < lowest), role.label


@pytest.mark.parametrize(("method", "path", "lowest"), PAGES)
def test_outsiders_learn_nothing_and_strangers_sign_in(
    method: str, path: str, lowest: Role, project: Project, mallory: User, signed_in: Browser
) -> None:
    assert signed_in(mallory).generic(method, BASE + path).status_code == 404
    assert Client().generic(method, BASE + path).headers["Location"].startswith("/accounts/login/")


def test_the_page_of_a_review_shows_what_the_champion_says(
    owner: User, trained: Callable[..., ModelVersion], signed_in: Browser
) -> None:
    review = trained().predictions.first()
    assert review is not None

    page = signed_in(owner).get(f"/projects/shop/reviews/{review.review_id}/")

    assert page.status_code == 200
    assert "What model version 1 says" in page.content.decode()
    assert f'href="{BASE}versions/1/"' in page.content.decode()


def test_who_labels_does_not_read_what_the_champion_says_where_it_measures_them(
    project: Project,
    owner: User,
    member: Member,
    trained: Callable[..., ModelVersion],
    signed_in: Browser,
) -> None:
    review = trained().predictions.first()
    assert review is not None
    client = signed_in(member(Role.ANNOTATOR))
    address = f"/projects/shop/reviews/{review.review_id}/"
    before = client.get(address).content.decode()

    QualityCheck.objects.create(project=project, review_id=review.review_id, created_by=owner)

    assert "What model version 1 says" in before
    assert "What model version 1 says" not in client.get(address).content.decode()
