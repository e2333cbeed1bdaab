"""Numbers and names that no row can have are refused in words, not with a defect."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from labelling.models import Assignment
from projects.models import Project
from tests import factories

HUGE = 10**25
HALF_A_LETTER = "\ud800"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("mentions/seen/", {"mentions": [HUGE]}, id="mentions"),
        pytest.param("queue/checks/", {"reviews": [HUGE]}, id="checks"),
        pytest.param(
            "queue/reservations/", {"username": "olga-owner", "reviews": [HUGE]}, id="ids"
        ),
        pytest.param(
            "queue/reservations/", {"count": 1, "weights": {HALF_A_LETTER: 1}}, id="weights"
        ),
        pytest.param(
            "bulk-actions/",
            {"kind": "label", "reviews": [HUGE], "answers": {"rating": 1}},
            id="bulk",
        ),
        pytest.param("flags/", {"review": HUGE, "note": "Look."}, id="flags"),
    ],
)
def test_what_no_row_can_be_is_refused_in_words(
    project: Project, owner: User, api: Callable[..., APIClient], path: str, body: dict[str, Any]
) -> None:
    factories.review(project)

    answer = api(owner).generic(
        "POST", f"/api/v1/projects/shop/{path}", json.dumps(body), content_type="application/json"
    )

    assert answer.status_code in {400, 404}
    assert answer.json()["detail"]
    assert not Assignment.objects.exists()
