"""The pages before and around signing in, and the pages of errors."""

import pytest
from django.template.loader import render_to_string
from django.test import Client


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "heading"),
    [
        ("/accounts/login/", "Sign in"),
        ("/accounts/signup/", "Accounts are by invitation"),
        ("/accounts/password/reset/", "Forgotten password"),
        ("/accounts/password/reset/done/", "Look into your mail"),
    ],
)
def test_the_entrance_wears_our_look(client: Client, path: str, heading: str) -> None:
    page = client.get(path).content.decode()

    assert f"<h1>{heading}</h1>" in page
    assert 'class="wordmark"' in page
    assert 'class="topbar"' not in page


@pytest.mark.django_db
def test_a_wrong_password_is_said_above_the_form(client: Client) -> None:
    page = client.post(
        "/accounts/login/", {"login": "nobody", "password": "wrong"}
    ).content.decode()

    assert page.index('role="alert"') < page.index('for="id_login"')


@pytest.mark.django_db
def test_an_unknown_address_answers_404_in_our_look(client: Client) -> None:
    response = client.get("/nothing/at/all/")

    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


@pytest.mark.parametrize("name", ["400", "403", "403_csrf", "404", "500"])
def test_error_pages_need_no_context(name: str) -> None:
    page = render_to_string(f"{name}.html")

    assert "<h1>" in page
    assert 'class="topbar-end"' in page
