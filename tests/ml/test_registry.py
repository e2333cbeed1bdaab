"""The registry: compare on the same rows, a gate in words, roll back, quarantine, downloads."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from accounts.models import AuditEvent, User
from common.errors import Conflict, Invalid, NotReady
from labelling.models import GoldSpan
from ml import champion, serving, views_registry
from ml.checkpoints import directory_of
from ml.comparing import together
from ml.core.comparison import Comparison, PairedMeasure, compare
from ml.core.config import HeadConfig, Kind
from ml.core.paired import Difference
from ml.gate import Pair, Verdict, judge
from ml.models import ModelVersion, Prediction, Promotion
from projects.models import Project, Role
from tests.faults.together import together as at_once

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]
Trained = Callable[..., ModelVersion]
BASE = "/projects/shop/models/"
API = "/api/v1/projects/shop/model-versions/"


@pytest.fixture
def worse(trained: Trained) -> ModelVersion:
    """Return a second version that has every sentiment of the test split wrong."""
    trained()
    version = trained(seed=3)
    for row in Prediction.objects.filter(model_version=version, question_key="sentiment"):
        row.option = "negative" if row.option == "positive" else "positive"
        row.value = {**row.value, "option": row.option}
        row.save()
    return version


# --- The gate -------------------------------------------------------------------------------------


def compared(value: float, p: float, *, name: str = "accuracy") -> Comparison:
    difference = Difference(value, value - 0.02, value + 0.02, p, "mcnemar", 0.03, 800)
    measure = PairedMeasure(name, 0.8, 0.8 + value, difference)
    return Comparison(Kind.CHOICE, 800, (measure,), None)


def gate_of(*found: Comparison | None, is_after: bool = True) -> Any:
    return judge(Pair(str(n), f"Q{n}", True, is_after, each) for n, each in enumerate(found))


def test_the_gate_is_shut_by_a_loss_beyond_chance() -> None:
    gate = gate_of(compared(-0.05, 0.001), compared(0.04, 0.002))

    assert not gate.is_open
    assert "Q0 would get worse" in gate.words
    assert (
        "accuracy fell by 0.050 (95 % interval -0.070 to -0.030, n 800)." in gate.against[0].words
    )
    assert "McNemar's test, p = 0.002" in gate.against[0].words


def test_several_questions_are_several_chances_to_be_wrong() -> None:
    alone, among_five = gate_of(compared(-0.03, 0.03)), gate_of(*[compared(-0.03, 0.03)] * 5)

    assert not alone.is_open
    assert among_five.is_open


def test_a_question_whose_gold_is_empty_is_no_chance_to_be_wrong() -> None:
    nothing = compare(HeadConfig("s", Kind.SPANS, options=("a",)), *[[()] * 50] * 3)

    gate = gate_of(compared(-0.03, 0.03), nothing)

    assert not gate.is_open
    assert [each.verdict for each in gate.questions] == [Verdict.WORSE, Verdict.UNMEASURED]
    assert gate.questions[1].words == (
        "Q1: micro F1 cannot be measured, since the gold of the 50 test reviews that both have "
        "answered is empty."
    )


def test_an_option_that_is_never_found_any_more_shuts_the_gate_whatever_the_accuracy() -> None:
    head = HeadConfig("mood", Kind.CHOICE, options=("good", "bad", "mixed"))
    gold = ["good"] * 900 + ["bad"] * 50 + ["mixed"] * 50
    before = ["good"] * 830 + ["bad"] * 35 + ["mixed"] * 35 + gold[900:936] + ["good"] * 14
    before += ["mixed"] * 35 + ["good"] * 15

    gate = gate_of(compare(head, gold, before, ["good"] * 1000))

    assert not gate.is_open
    words = gate.against[0].words
    assert "accuracy fell by 0.001" in words
    assert "Chance explains that (McNemar's test, p = 1.000)" in words
    assert "Macro F1, in which rare options weigh as much as common ones, fell by 0.3" in words
    assert "worse by more than chance explains (paired bootstrap, p = 0.002)" in words


def test_both_figures_of_a_choice_are_chances_to_be_wrong() -> None:
    both = compared(-0.03, 0.03)
    macro = PairedMeasure("macro_f1", 0.8, 0.8, Difference(0.0, -0.1, 0.1, 1.0, "bootstrap", 0, 9))

    gate = gate_of(Comparison(Kind.CHOICE, 800, (*both.measures, macro), None))

    assert gate.is_open
    assert "p = 0.060" in gate.questions[0].words


def test_a_rising_error_is_a_loss() -> None:
    assert gate_of(compared(0.1, 0.001, name="mae")).questions[0].verdict is Verdict.WORSE


def test_a_question_that_is_no_longer_answered_shuts_the_gate() -> None:
    gate = gate_of(None, is_after=False)

    assert not gate.is_open
    assert gate.questions[0].verdict is Verdict.LOST


def test_no_difference_says_how_large_one_would_have_been_seen() -> None:
    gate = gate_of(compared(-0.01, 0.4))

    assert gate.is_open
    assert "0.030 or more would have been seen four times out of five" in gate.questions[0].words


# --- Promotion and rollback -----------------------------------------------------------------------


def test_the_same_rows_are_compared_and_the_words_name_them(worse: ModelVersion) -> None:
    before = ModelVersion.objects.get(number=1)

    both = together(worse.project, before, worse)

    sentiment = next(each for each in both.questions if each.question.key == "sentiment")
    assert sentiment.comparison.n == 12
    assert len(sentiment.flips("lost")) == 12
    assert not both.gate.is_open
    assert [each.key for each in both.gate.against] == ["sentiment"]


def test_rows_that_only_one_version_answered_are_left_out(worse: ModelVersion) -> None:
    before = ModelVersion.objects.get(number=1)
    first = Prediction.objects.filter(model_version=before, question_key="sentiment").first()
    assert first is not None
    first.delete()

    both = together(worse.project, before, worse, only="sentiment")

    assert [each.comparison.n for each in both.questions] == [11]


def test_reviews_whose_spans_got_another_polarity_are_lost(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    before, after = trained(), trained(seed=3)
    for row in Prediction.objects.filter(model_version=after, question_key="aspect_spans"):
        row.value = [{**span, "polarity": "negative"} for span in row.value]
        row.save()

    (spans,) = together(before.project, before, after, only="aspect_spans").questions
    page = signed_in(owner).get(f"{BASE}compare/?before=1&after=2").content.decode()

    assert len(spans.flips("lost")) == len(spans.rows) == 12
    assert "1 span (1 negative)" in page


def test_what_could_not_be_measured_is_said_in_words(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    trained(), trained(seed=3)
    GoldSpan.objects.all().delete()
    Prediction.objects.filter(question_key="aspect_spans").update(value=[])

    page = signed_in(owner).get(f"{BASE}compare/?before=1&after=2").content.decode()

    assert "cannot be measured, since the gold of the 12 test reviews" in page
    assert "not measured</span>" in page
    assert "nan" not in re.findall(r"[a-z]+", page)


def test_a_worse_version_is_promoted_only_with_a_reason_that_is_logged(
    worse: ModelVersion, owner: User
) -> None:
    with pytest.raises(Conflict, match="Sentiment would get worse"):
        champion.promote(version=worse, actor=owner, override="  ")
    assert ModelVersion.objects.get(is_champion=True).number == 1

    champion.promote(version=worse, actor=owner, override="The old labels were wrong.")

    promotion = Promotion.objects.get(model_version=worse)
    assert (promotion.kind, promotion.reason) == ("override", "The old labels were wrong.")
    assert "The gate is shut" in promotion.gate
    event = AuditEvent.objects.filter(action="model.promoted").latest("pk")
    assert event.detail["reason"] == "The old labels were wrong."
    assert event.detail["how"] == "override"
    assert event.actor == owner


def test_rolling_back_goes_one_champion_back_at_a_time(
    trained: Trained, owner: User, project: Project, signed_in: Browser
) -> None:
    versions = [trained(), trained(seed=3), trained(seed=5)]
    for version in versions[1:]:
        champion.promote(version=version, actor=owner)
    browser = signed_in(owner)

    for number in (2, 1):
        assert f"Roll back to version {number}" in browser.get(BASE).content.decode()
        browser.post(f"{BASE}versions/{number}/rollback/")
        assert ModelVersion.objects.get(is_champion=True).number == number

    assert "Roll back to version" not in browser.get(BASE).content.decode()
    assert list(Promotion.objects.order_by("id").values_list("kind", flat=True)) == [
        "first", "gate", "gate", "rollback", "rollback",
    ]  # fmt: skip


def test_why_somebody_rolls_back_is_logged_and_shown(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    trained()
    champion.promote(version=trained(seed=3), actor=owner)
    browser = signed_in(owner)

    assert 'name="reason"' in browser.get(f"{BASE}versions/1/").content.decode()
    browser.post(f"{BASE}versions/1/rollback/", {"reason": " It forgot the prices. "})

    event = AuditEvent.objects.filter(action="model.promoted").latest("pk")
    assert (event.detail["how"], event.detail["reason"]) == ("rollback", "It forgot the prices.")
    page = browser.get(f"{BASE}versions/1/").content.decode()
    assert f"by {owner.username}: It forgot the prices." in page
    assert 'name="reason"' not in page


def test_a_reason_that_is_too_long_to_keep_is_refused_and_not_cut(trained: Trained) -> None:
    trained()
    champion.promote(version=trained(seed=3), actor=None)

    with pytest.raises(Invalid, match="at most 500 characters"):
        champion.roll_back(version=numbered(1), actor=None, reason="x" * 501)


def test_what_never_was_champion_cannot_be_rolled_back_to(worse: ModelVersion) -> None:
    with pytest.raises(Conflict, match="never was the champion"):
        champion.roll_back(version=worse, actor=None)


# --- At once --------------------------------------------------------------------------------------


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], object]], None]:
    """Return what has something happen as soon as a step before the lock is over."""

    def arrange(step: str, act: Callable[[], object]) -> None:
        whole = getattr(champion, step)

        def then(*args: Any, **options: Any) -> object:
            found = whole(*args, **options)
            act()
            return found

        monkeypatch.setattr(champion, step, then)

    return arrange


def numbered(number: int) -> ModelVersion:
    return ModelVersion.objects.get(number=number)


def test_what_goes_into_quarantine_while_it_is_compared_is_not_promoted(
    trained: Trained, meanwhile: Callable[..., None]
) -> None:
    trained(), trained(seed=3)
    meanwhile("together", lambda: champion.quarantine(version=numbered(2), reason="Disk lost."))

    with pytest.raises(Conflict, match="Version 2 is in quarantine"):
        champion.promote(version=numbered(2), actor=None, override="I want it.")

    assert ModelVersion.objects.get(is_champion=True).number == 1


def test_what_goes_into_quarantine_while_it_is_read_is_not_rolled_back_to(
    trained: Trained, meanwhile: Callable[..., None]
) -> None:
    trained()
    champion.promote(version=trained(seed=3), actor=None)
    meanwhile("fault_of", lambda: champion.quarantine(version=numbered(1), reason="Disk lost."))

    with pytest.raises(Conflict, match="Version 1 is in quarantine"):
        champion.roll_back(version=numbered(1), actor=None)

    assert ModelVersion.objects.get(is_champion=True).number == 2


def test_a_rollback_during_a_comparison_leaves_the_promotion_without_grounds(
    trained: Trained, meanwhile: Callable[..., None]
) -> None:
    trained()
    champion.promote(version=trained(seed=3), actor=None)
    trained(seed=5)
    meanwhile("together", lambda: champion.roll_back(version=numbered(1), actor=None))

    with pytest.raises(Conflict, match="Another version became the champion meanwhile"):
        champion.promote(version=numbered(3), actor=None)

    assert ModelVersion.objects.get(is_champion=True).number == 1


@pytest.mark.django_db(transaction=True)
def test_promotions_rollbacks_and_quarantines_at_once_end_in_one_order(trained: Trained) -> None:
    trained()
    champion.promote(version=trained(seed=3), actor=None)
    trained(seed=5)

    gave = at_once(
        lambda: champion.promote(version=numbered(3), actor=None),
        lambda: champion.roll_back(version=numbered(1), actor=None),
        lambda: champion.quarantine(version=numbered(3), reason="Disk lost."),
        lambda: champion.quarantine(version=numbered(1), reason="Disk lost."),
    )

    assert all(each is None or isinstance(each, ModelVersion | Conflict) for each in gave), gave
    changes = list(Promotion.objects.order_by("id"))
    assert [each.before for each in changes] == [None, *(c.model_version for c in changes[:-1])]
    assert ModelVersion.objects.get(is_champion=True) == changes[-1].model_version
    events = list(AuditEvent.objects.order_by("id").values_list("action", "subject"))
    for number in (1, 3):
        lost = events.index(("model.quarantined", f"version {number}"))
        assert ("model.promoted", f"version {number}") not in events[lost:]


# --- Damage ---------------------------------------------------------------------------------------


def test_a_damaged_champion_is_never_served_and_an_earlier_one_takes_over_in_one_click(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    trained()
    second = trained(seed=3)
    champion.promote(version=second, actor=owner)
    serving.predict(second, ["Fine."])
    file = directory_of(second) / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + b"x")
    browser = signed_in(owner)

    browser.post(f"{BASE}versions/2/check/")

    second.refresh_from_db()
    assert second.state == "quarantined"
    # It was loaded before the damage: even so it answers nothing any more.
    with pytest.raises(NotReady, match="cannot be trusted"):
        serving.predict(second, ["Fine."])
    page = browser.get(f"{BASE}versions/2/").content.decode()
    assert "model.safetensors" in page
    assert "quarantined" in page
    browser.post(f"{BASE}versions/1/rollback/")
    assert serving.predict(ModelVersion.objects.get(is_champion=True), ["Fine."])

    file.write_bytes(whole)
    browser.post(f"{BASE}versions/2/check/")
    second.refresh_from_db()
    assert second.state == "ready"
    assert AuditEvent.objects.filter(action="model.released").count() == 1


@pytest.mark.parametrize("act", [champion.promote, champion.roll_back], ids=["promote", "back"])
def test_what_has_damaged_weights_does_not_become_the_champion(
    act: Callable[..., ModelVersion], trained: Trained
) -> None:
    first, second = trained(), trained(seed=3)
    is_promotion = act is champion.promote
    damaged, number = (second, 1) if is_promotion else (first, 2)
    if not is_promotion:
        champion.promote(version=second, actor=None)
    file = directory_of(damaged) / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"x")

    with pytest.raises(Conflict, match=r"cannot be promoted\. The file model\.safetensors"):
        act(version=damaged, actor=None)

    assert ModelVersion.objects.get(is_champion=True).number == number
    damaged.refresh_from_db()
    assert damaged.state == "quarantined"


def test_a_champion_in_quarantine_is_compared_by_what_it_answered_before(
    worse: ModelVersion,
) -> None:
    champion.quarantine(version=numbered(1), reason="Disk lost.")

    with pytest.raises(Conflict, match="Sentiment would get worse"):
        champion.promote(version=worse, actor=None)


def test_replacing_a_champion_in_quarantine_unmeasured_takes_a_reason_that_is_logged(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    first, second = trained(), trained(seed=3)
    champion.quarantine(version=first, reason="Disk lost.")
    Prediction.objects.filter(model_version=first).delete()
    browser = signed_in(owner)

    with pytest.raises(Conflict, match="the champion is in quarantine, and the two share no test"):
        champion.promote(version=second, actor=None)
    assert "Promote against the gate" in browser.get(f"{BASE}versions/2/").content.decode()
    browser.post(f"{BASE}versions/2/promote/", {"override": "Somebody has to answer."})

    promotion = Promotion.objects.get(model_version=second)
    assert (promotion.kind, promotion.reason) == ("override", "Somebody has to answer.")
    assert "The gate is shut: the champion is in quarantine" in promotion.gate
    event = AuditEvent.objects.filter(action="model.promoted").latest("pk")
    assert event.detail["reason"] == "Somebody has to answer."


def test_a_changed_manifest_puts_the_version_into_quarantine_when_it_is_loaded(
    trained: Trained,
) -> None:
    version = trained()
    path = directory_of(version) / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))

    with pytest.raises(NotReady):
        serving.predict(version, ["Fine."])

    version.refresh_from_db()
    assert version.state == "quarantined"


def test_the_card_and_the_manifest_are_downloaded_and_the_weights_are_not(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    trained()
    files = f"{BASE}versions/1/files/"
    browser = signed_in(owner)

    card = browser.get(files + "CARD.md/")
    manifest = json.loads(b"".join(browser.get(files + "manifest.json/")))

    assert b"# Model card" in b"".join(card)
    assert card["Content-Disposition"] == 'attachment; filename="version-1-CARD.md"'
    assert set(manifest["hardware"]) >= {"device", "processor", "cores", "memory"}
    assert len(manifest["files"]["model.safetensors"]) == 64
    assert manifest["snapshot_sha256"]
    assert browser.get(files + "model.safetensors/").status_code == 404
    assert browser.get(files + "..%2Fmanifest.json/").status_code == 404


def test_rest_hands_out_the_card_and_the_manifest_and_no_weights(
    trained: Trained, owner: User, api: Callable[..., APIClient]
) -> None:
    version = trained()
    client = api(owner, "read")

    card = client.get(f"{API}1/files/CARD.md/")
    manifest = json.loads(b"".join(client.get(f"{API}1/files/manifest.json/")))

    assert card["Content-Type"].startswith("text/markdown")
    assert b"".join(card) == (directory_of(version) / "CARD.md").read_bytes()
    assert len(manifest["files"]["model.safetensors"]) == 64
    assert client.get(f"{API}1/files/model.safetensors/").status_code == 404
    assert client.get(f"{API}2/files/CARD.md/").status_code == 404


def test_a_changed_card_is_not_handed_out(
    trained: Trained, owner: User, signed_in: Browser
) -> None:
    (directory_of(trained()) / "CARD.md").write_text("It is perfect.")

    response = signed_in(owner).get(f"{BASE}versions/1/files/CARD.md/")

    assert response.status_code == 503


# --- The page and REST ----------------------------------------------------------------------------


def test_the_page_shows_differences_matrices_and_reviews_that_flipped(
    worse: ModelVersion, owner: User, signed_in: Browser
) -> None:
    browser = signed_in(owner)

    page = browser.get(f"{BASE}compare/?before=1&after=2").content.decode()

    assert "The gate is shut: Sentiment would get worse." in page
    assert "Change of the confusion matrix" in page
    link = "/projects/shop/reviews/?flipped.sentiment=1%3A2%3Alost"
    assert f'href="{link}"' in page
    assert browser.get(link).content.decode().count('class="row-link clip"') == 12
    moved = browser.get("/projects/shop/reviews/?flipped.sentiment=1:2:positive:negative")
    assert moved.content.decode().count('class="row-link clip"') == 6


def test_a_champion_older_than_the_versions_on_offer_is_compared_by_default(
    trained: Trained, owner: User, signed_in: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(), trained(seed=3), trained(seed=5)
    monkeypatch.setattr(views_registry, "MOST_VERSIONS", 1)

    page = signed_in(owner).get(f"{BASE}compare/").content.decode()

    assert "Version 3 beside version 1 on the same test reviews" in page
    assert '<option value="1" selected>Version 1, champion</option>' in page


def test_differences_and_matrices_of_a_comparison_can_be_saved(
    worse: ModelVersion, owner: User, signed_in: Browser
) -> None:
    page = signed_in(owner).get(f"{BASE}compare/?before=1&after=2").content.decode()

    charts = {
        kind: json.loads(
            re.search(rf'<script id="chart-data-{kind}-sentiment"[^>]*>(.*?)</script>', page)[1]  # type: ignore[index]
        )
        for kind in ("differences", "shifts", "moves")
    }
    accuracy = charts["differences"]["table"]["rows"][0]
    assert accuracy[0] == "accuracy"
    assert accuracy[2] <= accuracy[1] <= accuracy[3] < 0
    for kind, corner in (
        ("shifts", "Gold / Predicted"),
        ("moves", "From, version 1 / To, version 2"),
    ):
        assert charts[kind]["table"]["header"][0] == corner
        assert f'data-chart="chart-data-{kind}-sentiment"' in page
    shifts = {row[0]: row[1:] for row in charts["shifts"]["table"]["rows"]}
    assert all(sum(row) == 0 for row in shifts.values())  # each review moved within its gold
    assert shifts["Positive"] == [6, 0, -6]
    assert charts["shifts"]["series"][2]["shades"] == ["diverge-n3", "diverge-0", "diverge-n3"]
    assert "js/chart.js" in page


@pytest.mark.parametrize("query", ["", "?before=1&after=1", "?before=9", "?before=x"])
def test_odd_addresses_of_the_comparison_end_in_words(
    query: str, trained: Trained, owner: User, signed_in: Browser
) -> None:
    trained()

    assert signed_in(owner).get(f"{BASE}compare/{query}").status_code in {200, 400, 404}


@pytest.mark.parametrize("value", ["1:2", "1:2:better", "1:9:lost", "a:b:lost", "::"])
def test_a_filter_for_flips_that_means_nothing_is_refused(
    value: str, worse: ModelVersion, owner: User, api: Callable[..., APIClient]
) -> None:
    path = f"/api/v1/projects/shop/reviews/?flipped.sentiment={value}"

    assert api(owner).get(path).status_code == 400


def test_annotators_do_not_learn_gold_from_flips(
    worse: ModelVersion, member: Callable[[Role], User], signed_in: Browser
) -> None:
    browser = signed_in(member(Role.ANNOTATOR))

    assert browser.get("/projects/shop/reviews/?flipped.sentiment=1:2:lost").status_code == 403
    assert browser.get(f"{BASE}compare/").status_code == 403


def test_rest_compares_promotes_with_an_override_and_rolls_back(
    worse: ModelVersion, owner: User, api: Callable[..., APIClient]
) -> None:
    client = api(owner)

    found = client.get(f"{API}compare/").json()
    refused = client.post(f"{API}2/promote/")
    promoted = client.post(f"{API}2/promote/", {"override": "A trial."}, format="json")
    back = client.post(f"{API}1/rollback/", {"reason": "The trial is over."}, format="json")

    assert (found["before"], found["after"]) == (1, 2)
    assert not found["gate"]["is_open"]
    sentiment = next(each for each in found["questions"] if each["question"] == "sentiment")
    assert sentiment["verdict"] == "worse"
    assert sentiment["measures"][0]["name"] == "accuracy"
    assert sentiment["measures"][0]["n"] == 12
    assert sentiment["outcomes"]["lost"] == 12
    assert refused.status_code == 409
    assert "would get worse" in refused.json()["detail"]
    assert promoted.json()["is_champion"]
    assert back.json()["is_champion"]
    assert Promotion.objects.latest("pk").reason == "The trial is over."
    assert client.get(f"{API}compare/?before=1&after=1").status_code == 400
