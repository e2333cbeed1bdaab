"""The label page in a real browser: fast, and nothing is lost."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Error, Route, expect

from tests.pages.label_stack import Labelling, labelling

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Labelling]:
    """One installation for the module: every story labels some of its reviews."""
    with labelling(tmp_path_factory.mktemp("label") / "home", count=80) as made:
        yield made


@pytest.fixture
def ada(world: Labelling) -> Iterator[Labelling]:
    world.go()
    yield world
    assert world.complaints == []


def test_five_submits_without_a_connection_are_stored_once_after_a_reload(ada: Labelling) -> None:
    before = ada.annotated()
    ada.context.set_offline(True)
    answered = [ada.answer() for _ in range(5)]
    expect(ada.page.locator("[data-outbox-words]")).to_contain_text("Offline, 5 waiting")
    with pytest.raises(Error):
        ada.page.reload()
    ada.context.set_offline(False)

    ada.go()

    ada.saved()
    assert ada.annotated() == before + answered
    assert ada.review not in answered


def test_enter_shows_the_next_review_while_the_server_is_still_at_it(ada: Labelling) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    ada.page.route("**/submit/", hold)

    before = ada.answer()

    expect(ada.page.locator("[data-outbox-words]")).to_have_text("Saving…")
    assert before not in ada.annotated()
    for route in held:
        route.continue_()
    ada.page.unroute("**/submit/")
    ada.saved()
    assert ada.annotated()[-1] == before


def test_a_question_without_an_answer_is_named_and_the_review_stays(ada: Labelling) -> None:
    before = ada.review

    ada.page.keyboard.press("Enter")

    expect(ada.page.get_by_text("This question needs an answer.")).to_be_visible()
    assert ada.review == before


def test_a_double_click_submits_one_review_and_leaves_the_next_alone(ada: Labelling) -> None:
    before, first = ada.annotated(), ada.review
    ada.page.keyboard.press("1")

    ada.page.locator("[data-label-submit]").dblclick()

    expect(ada.page.locator("[data-label-form]")).not_to_have_attribute("data-review", first)
    ada.saved()
    expect(ada.page.locator("[data-label-state]")).to_be_empty()  # it was not tried
    assert ada.annotated() == [*before, first]


def test_undo_takes_back_what_waits_and_reopens_what_is_kept(ada: Labelling) -> None:
    ada.context.set_offline(True)
    waiting = ada.answer()
    ada.page.keyboard.press("u")
    expect(ada.page.locator(f"[data-review='{waiting}']")).to_be_visible()
    expect(ada.page.get_by_label("Warm")).to_be_checked()
    ada.context.set_offline(False)
    ada.answer("2")
    ada.saved()

    ada.page.keyboard.press("u")

    expect(ada.page.locator(f"[data-review='{waiting}'][data-kind=edit]")).to_be_visible()
    expect(ada.page.get_by_label("Cold")).to_be_checked()
    ada.answer("1")
    ada.saved()
    assert ada.annotated().count(waiting) == 1
    kept = "SELECT count(*) FROM labelling_annotationrevision r JOIN labelling_annotation a"
    assert ada.gloss.rows(f"{kept} ON a.id = r.annotation_id WHERE a.review_id = {waiting}") == [
        (1,)
    ]


def test_two_who_change_at_once_see_both_versions_side_by_side(ada: Labelling) -> None:
    review = ada.answer()
    ada.saved()
    ada.page.keyboard.press("u")
    expect(ada.page.locator("[data-kind=edit]")).to_be_visible()
    other = ada.open()
    other.goto(ada.page.url)
    other.goto(f"{ada.base}/projects/shop/label/last/")
    state = other.locator("[data-outbox-words]")
    expect(state).to_have_text("Saved.")  # the script is there
    other.keyboard.press("2")
    other.keyboard.press("Enter")
    expect(other.locator("[data-kind=submit]")).to_be_visible()
    expect(state).to_have_text("Saved.")
    other.close()

    ada.page.get_by_text("Note", exact=True).click()
    ada.page.get_by_label("Note about this review").fill("mine")
    ada.page.keyboard.press("Enter")
    look = ada.page.get_by_role("button", name="1 not saved: look")
    look.click()

    panel = ada.page.get_by_role("region", name="Not saved")
    expect(panel.get_by_role("row", name="Tone differs Warm Cold")).to_be_visible()
    expect(ada.page.locator("[data-label-form]")).not_to_have_attribute("data-review", review)
    panel.get_by_role("button", name="Keep mine").click()
    expect(panel).to_be_hidden()
    ada.saved()
    said = "SELECT note, revision FROM labelling_annotation WHERE review_id ="
    assert ada.gloss.rows(f"{said} {review}") == [("mine", 3)]


def test_a_review_is_skipped_with_a_reason_by_two_keys(ada: Labelling) -> None:
    before = ada.review

    ada.page.keyboard.press("s")
    ada.page.keyboard.press("2")

    expect(ada.page.locator("[data-label-form]")).not_to_have_attribute("data-review", before)
    ada.saved()
    skipped = "SELECT reason FROM labelling_assignment WHERE state = 'skipped' AND review_id ="
    assert ada.gloss.rows(f"{skipped} {before}") == [("Another language",)]


def test_a_flag_carries_a_note_and_the_review_stays(ada: Labelling) -> None:
    before = ada.review

    ada.page.keyboard.press("f")
    ada.page.keyboard.type("a sarcastic one")
    ada.page.keyboard.press("Enter")

    expect(ada.page.get_by_text("Flagged for a reviewer.")).to_be_visible()
    ada.saved()
    assert ada.review == before
    flags = "SELECT note FROM labelling_flag WHERE review_id ="
    assert ada.gloss.rows(f"{flags} {before}") == [("a sarcastic one",)]


def test_every_suggestion_is_accepted_with_one_key_and_that_is_recorded(ada: Labelling) -> None:
    before = ada.review

    ada.page.keyboard.press("y")
    expect(ada.page.get_by_label("Cold")).to_be_checked()
    expect(ada.page.get_by_label("Price")).to_be_checked()
    ada.page.keyboard.press("Enter")

    ada.saved()
    saw = "SELECT saw_suggestions, suggested_by FROM labelling_annotation WHERE review_id ="
    assert [tuple(map(int, row)) for row in ada.gloss.rows(f"{saw} {before}")] == [(1, 2)]


def test_guidelines_open_beside_the_review_with_markdown_and_without_html(ada: Labelling) -> None:
    ada.page.keyboard.press("i")

    drawer = ada.page.get_by_role("region", name="Guidelines")
    expect(drawer.get_by_role("heading", name="How to decide")).to_be_visible()
    expect(drawer.locator("strong")).to_have_text("kind")
    expect(drawer.get_by_text("<b>No HTML</b>")).to_be_visible()
    ada.page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()


def test_a_key_that_was_remapped_acts_and_a_clash_is_refused_in_words(ada: Labelling) -> None:
    page = ada.page
    page.goto(f"{ada.base}/projects/shop/label/keys/")
    page.get_by_label("Warm").press("2")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("“2” is taken by “Warm”. Choose another key.")).to_be_visible()
    page.get_by_label("Warm").press("k")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Keys saved.")).to_be_visible()

    ada.go()
    page.keyboard.press("1")
    expect(page.get_by_label("Warm")).not_to_be_checked()
    page.keyboard.press("k")
    expect(page.get_by_label("Warm")).to_be_checked()

    page.goto(f"{ada.base}/projects/shop/label/keys/")
    page.get_by_role("button", name="Back to the usual keys").click()
    expect(page.get_by_label("Warm")).to_have_value("1")


@pytest.mark.parametrize("where", ["in this browser", "for this person"])
def test_keys_that_are_switched_off_do_nothing_and_are_not_shown(
    ada: Labelling, where: str
) -> None:
    page = ada.page
    option = page.locator("[data-label-form] label", has_text="Cold").locator("kbd")
    expect(option).to_be_visible()

    def switch(to: str) -> None:
        if where == "in this browser":
            page.evaluate(f"localStorage.setItem('gloss.keys', '{to}')")
        else:
            change = f"User.objects.update(shortcuts='{to}')"
            ada.gloss.python(f"from accounts.models import User; print({change})")
        ada.go()

    switch("off")
    page.keyboard.press("2")

    expect(page.get_by_label("Cold")).not_to_be_checked()
    expect(option).to_be_hidden()
    expect(page.locator("[data-label-submit] kbd")).to_be_visible()
    switch("on")
    expect(option).to_be_visible()


def test_outbox_and_draft_outlive_a_session(ada: Labelling) -> None:
    cookies = ada.context.cookies()
    ada.context.clear_cookies(name="sessionid")
    waiting = ada.answer()
    drafted = ada.review
    ada.page.keyboard.press("2")
    state = ada.page.locator("[data-outbox-words]")
    expect(state).to_contain_text("Signed out, 1 waiting")
    assert waiting not in ada.annotated()

    state.get_by_role("link", name="Sign in again").click()
    ada.sign_in()
    ada.page.wait_for_url("**/label/next/")

    ada.saved()
    assert waiting in ada.annotated()
    expect(ada.page.locator(f"[data-review='{drafted}']")).to_be_visible()
    expect(ada.page.get_by_label("Cold")).to_be_checked()
    assert cookies


#: Enter and a way off the page in one go: no later task of the page runs in between.
_LEAVE = """(to) => {
  const key = { key: "Enter", bubbles: true, cancelable: true };
  document.activeElement.dispatchEvent(new KeyboardEvent("keydown", key));
  location.assign(to);
}"""


def test_who_may_not_label_any_more_is_told_so_and_loses_nothing(ada: Labelling) -> None:
    before = ada.annotated()
    change = (
        "from projects.models import Membership, Role; print(Membership.objects.update(role={}))"
    )
    ada.gloss.python(change.format("Role.VIEWER"))

    answered = ada.answer()

    words = ada.page.locator("[data-outbox-words]")
    expect(words).to_contain_text("You may not label here any more, 1 waiting")
    assert ada.annotated() == before
    ada.gloss.python(change.format("Role.OWNER"))
    ada.go()
    ada.saved()
    assert ada.annotated() == [*before, answered]


def test_who_leaves_within_milliseconds_of_enter_loses_nothing(ada: Labelling) -> None:
    before = ada.review
    # Not by a route: one is taken away from a request that outlives its page.
    ada.page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('none')) }")
    ada.page.keyboard.press("1")
    with ada.page.expect_navigation(url="**/projects/shop/reviews/"):
        ada.page.evaluate(_LEAVE, f"{ada.base}/projects/shop/reviews/")
    assert before not in ada.annotated()

    with ada.page.expect_response("**/submit/"):
        ada.page.goto(f"{ada.base}/projects/shop/label/mentions/")

    ada.gloss.wait(lambda: ada.annotated().count(before) == 1, seconds=15)


def test_what_was_submitted_is_sent_behind_a_page_that_is_left_at_once(ada: Labelling) -> None:
    before = ada.review
    ada.page.keyboard.press("1")

    with ada.page.expect_navigation(url="**/projects/shop/reviews/"):
        ada.page.evaluate(_LEAVE, f"{ada.base}/projects/shop/reviews/")

    ada.gloss.wait(lambda: ada.annotated().count(before) == 1, seconds=15)


def test_the_form_submits_without_scripts_and_the_next_review_comes(ada: Labelling) -> None:
    browser = ada.context.browser
    assert browser is not None
    plain = browser.new_context(
        java_script_enabled=False, storage_state=ada.context.storage_state()
    )
    page = plain.new_page()
    page.goto(f"{ada.base}/projects/shop/label/next/")
    before = page.locator("[data-label-form]").get_attribute("data-review")

    page.locator(".option-button", has_text="Warm").click()
    page.get_by_role("button", name="Submit").click()

    form = page.locator("[data-label-form]")
    expect(form).not_to_have_attribute("data-review", str(before))
    expect(form).to_be_visible()
    assert ada.annotated()[-1] == before
    plain.close()
