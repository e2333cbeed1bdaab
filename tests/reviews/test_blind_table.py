"""What the table of reviews keeps from those who label."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from projects.models import Project, Role
from tests import factories

pytestmark = pytest.mark.django_db

BASE = "/projects/shop/reviews/"
API = "/api/v1/projects/shop/"


def test_who_labels_cannot_ask_the_table_for_the_answers(
    project: Project, member: Callable[[Role], User]
) -> None:
    factories.review(project, "zip")
    client = APIClient()
    client.force_login(member(Role.ANNOTATOR))

    for name in ("answer.sentiment", "answer.sentiment.min"):
        assert client.get(f"{API}reviews/", {name: "positive"}).status_code == 403
        assert client.get(BASE, {name: "positive"}).status_code == 403
