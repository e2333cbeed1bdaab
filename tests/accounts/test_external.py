"""People known from a file only: named, kept apart, and locked out by every door."""

import pytest
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from accounts.external import UNNAMED, clean_name, external_people, external_person, username_of
from accounts.models import User
from accounts.services import create_sign_in_link, create_token, use_sign_in_link
from common.errors import Invalid
from projects.models import Membership, Project, Role
from projects.services import set_role
from tests import factories


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("  w001 ", "w001"),
        ("Anna\tMaria\r\nB.", "Anna Maria B."),
        ("\u202egnirts\u202c", "gnirts"),
        ("\x00\x07", UNNAMED),
        ("", UNNAMED),
        ("Zoe\u0308", "Zo\u00eb"),
        ("a/b", "a/b"),
    ],
)
def test_names_are_cleaned(raw: str, shown: str) -> None:
    assert clean_name(raw) == shown


@given(st.text(max_size=400), st.text(max_size=400))
def test_different_names_are_different_people(one: str, other: str) -> None:
    is_same = clean_name(one) == clean_name(other)

    assert (username_of("shop", one) == username_of("shop", other)) is is_same
    assert len(username_of("s" * 50, one)) <= 150


def test_long_names_with_the_same_start_stay_apart(db: None) -> None:
    one, other = "x" * 300 + "1", "x" * 300 + "2"

    people = external_people("shop", [one, other])

    assert people[one].pk != people[other].pk
    assert people[one].shown_name == "x" * 150


def test_the_same_name_is_the_same_person_in_a_project_and_another_in_the_next(db: None) -> None:
    first = external_person("shop", "ann")

    assert external_person("shop", " ann ").pk == first.pk
    assert external_person("other", "ann").pk != first.pk
    assert (first.username, first.shown_name) == ("shop/ann", "ann")


def test_a_member_of_that_name_is_somebody_else(project: Project) -> None:
    ann = factories.member(project, Role.ANNOTATOR, "ann")

    person = external_person(project.slug, "ann")

    assert person.pk != ann.pk
    assert not Membership.objects.filter(user=person).exists()


def test_many_people_take_few_queries(
    db: None, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    names = [f"w{number}" for number in range(900)]

    with django_assert_max_num_queries(20):
        people = external_people("shop", names)

    assert len({person.pk for person in people.values()}) == 900


# --- No way in ------------------------------------------------------------------------------------


@pytest.fixture
def stranger(db: None) -> User:
    return external_person("shop", "ann")


def test_nobody_can_take_such_a_username_by_themselves(db: None) -> None:
    with pytest.raises(ValidationError, match="Enter a valid username"):
        User(username="shop/ann", password="x").full_clean()


def test_they_have_no_password_and_the_page_lets_nobody_in(stranger: User) -> None:
    assert not stranger.has_usable_password()
    assert authenticate(None, username=stranger.username, password="") is None

    client = Client()
    for password in ("", "!", stranger.password):
        client.post(reverse("account_login"), {"login": stranger.username, "password": password})
        assert "_auth_user_id" not in client.session


def test_even_with_a_password_they_stay_out(stranger: User) -> None:
    stranger.set_password("correct horse battery")
    stranger.save()
    client = Client()

    client.post(
        reverse("account_login"),
        {"login": stranger.username, "password": "correct horse battery"},
    )

    assert "_auth_user_id" not in client.session


def test_a_reset_by_mail_is_for_people_who_can_sign_in(
    stranger: User, mailoutbox: list[EmailMessage]
) -> None:
    User.objects.filter(pk=stranger.pk).update(email="ann@files.example")
    factories.user("bea", email="bea@people.example")

    for address in ("ann@files.example", "bea@people.example"):
        Client().post(reverse("account_reset_password"), {"email": address})

    has_link = {mail.to[0]: "/reset/key/" in str(mail.body) for mail in mailoutbox}
    assert has_link == {"ann@files.example": False, "bea@people.example": True}


def test_no_token_no_link_no_role(project: Project, owner: User) -> None:
    person = external_person(project.slug, "ann")

    with pytest.raises(Invalid, match="known from a file only"):
        create_token(user=person, project_id=project.pk, name="t", scopes=["read"])
    assert use_sign_in_link(secret=create_sign_in_link(user=person)) is None
    with pytest.raises(Invalid, match="There is no person"):
        set_role(project=project, username=person.username, role=Role.VIEWER, actor=owner)


def test_the_database_refuses_to_make_them_active(stranger: User) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=stranger.pk).update(is_active=True)
