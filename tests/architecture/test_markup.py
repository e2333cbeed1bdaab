"""Every page, walked in a project in which each name and text is markup: it must stay words.

A page that is added is walked too; an argument of its address that is new here fails until the
project of this test has such a thing.
"""

import base64
import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.services import create_token
from jobs.models import Job
from jobs.services import enqueue
from jobs.worker import run_here
from labelling.comments import say
from labelling.models import Annotation, Assignment
from labelling.selectors import current_schema
from labelling.services import edit, record_annotation
from ml.core.checkpoint import write_json
from ml.core.config import HeadConfig, Kind, Tier, TrainConfig
from ml.core.encoders import file_sha256
from ml.models import ModelVersion, Prediction, PredictionJob, TrainingRun
from projects.models import Membership, Project, Role
from reviews.models import Dataset, ImportJob, Review, SavedView
from tests import factories
from tests.architecture.test_doors import OPEN, OURS
from tests.architecture.test_roles import LOWEST
from tests.hostile import ALL_AT_ONCE, MARKUP, Alive, read_page

pytestmark = pytest.mark.django_db

API = "/api/v1/projects/shop/"
HTMX = {"HX-Request": "true"}
PAGES = [route for route in OURS if not route.startswith("api/") and route not in OPEN]
_ATTACHMENT = re.compile(r'attachment; filename="[\w-]+\.\w+"')
_TAKES_AWAY = ("discard/", "remove/", "revoke/", "undo/")
#: What a page of the project must have shown somewhere, whatever the words are.
PLANTED = {
    "annotator", "author", "change", "column", "comment", "dataset", "derived", "file", "flag",
    "guidelines", "instructions",
    "note", "option", "product", "project", "query", "question", "reason", "rejected", "text",
    "token", "value", "view",
}  # fmt: skip


class World:
    """A project in which everything that people can name is called something hostile."""

    def __init__(self, project: Project, owner: User, client: Client, form: str) -> None:
        self.project, self.owner, self.client, self.form = project, owner, client, form
        self.ids: dict[str, Any] = {"slug": project.slug, "number": 2, "key": "mood"}
        self._name_things()
        self._import()
        self._label()
        self._make_of_it()
        self._model()

    def words(self, of: str, *, limit: int = 100) -> str:
        """Return the hostile words for one thing; they name it, so that it is found again."""
        return self.form.replace("@", f"planted-{of}")[:limit]

    def send(self, path: str, body: dict[str, Any]) -> Any:
        """POST JSON and run the job that it starts."""
        answer = self.client.post(API + path, json.dumps(body), content_type="application/json")
        assert answer.status_code < 300, answer.content
        found = answer.json()
        if found.get("job"):
            run_here(Job.objects.get(pk=found["job"]["id"]))
        return found

    def _name_things(self) -> None:
        self.project.name = self.words("project")
        self.project.save()
        questions = [
            {
                "key": "mood",
                "name": self.words("question"),
                "kind": "choice",
                "instructions": self.words("instructions"),
                "options": [
                    {"key": "good", "name": self.words("option")},
                    {"key": "bad", "name": f"{self.words('option', limit=90)} 2"},
                ],
            },
            {"key": "stars", "name": "Stars", "kind": "number", "minimum": 1, "maximum": 5},
            {
                "key": "parts",
                "name": f"{self.words('question', limit=90)} 3",
                "kind": "spans",
                "is_required": False,
                "options": [{"key": "zip", "name": self.words("option")}],
            },
        ]
        self.send("schema/", {"questions": questions, "guidelines": self.words("guidelines")})
        create_token(
            user=self.owner, project_id=self.project.pk, name=self.words("token"), scopes=["read"]
        )

    def _import(self) -> None:
        table = io.StringIO()
        writer = csv.writer(table)
        column = self.column = self.words("column")
        writer.writerow(["text", column, "product", "author", "rater", "stars"])
        for number in range(4):
            writer.writerow(
                [
                    f"{self.words('text')} {number}",
                    self.words("value"),
                    self.words("product"),
                    self.words("author"),
                    f"{self.words('annotator')} {number}",
                    self.words("rejected") if number == 3 else "4",
                ]
            )
        data = table.getvalue().encode()
        name = base64.b64encode(self.words("file").replace("/", "").encode()).decode()
        begun = self.client.post(
            f"{API}uploads/",
            headers={"Upload-Length": str(len(data)), "Upload-Metadata": f"filename {name}"},
        )
        upload = begun.json()["id"]
        sent = self.client.patch(
            f"{API}uploads/{upload}/",
            data,
            content_type="application/offset+octet-stream",
            headers={"Upload-Offset": "0"},
        )
        assert sent.status_code == 204, sent.content
        mapping = {
            "text": ["text"],
            "answers": {"stars": "stars"},
            "metadata": [column],
            "product": "product",
            "author": "author",
            "annotator": "rater",
        }
        read_as = {"kind": "csv", "delimiter": ","}
        asked = {"name": self.words("dataset"), "mapping": mapping, "format": read_as}
        self.ids["upload_id"] = upload
        self.ids["check_id"] = self.send(f"uploads/{upload}/check/", asked)["check"]["id"]
        answer = self.client.post(
            f"{API}datasets/",
            {
                "name": asked["name"],
                "upload": upload,
                "mapping": json.dumps(mapping),
                "format": json.dumps(read_as),
            },
        )
        assert answer.status_code == 202, answer.content
        job = run_here(Job.objects.get(pk=answer.json()["job"]["id"]))
        assert job.state == Job.State.SUCCEEDED, job.reason
        work = ImportJob.objects.get(job=job)
        assert (work.accepted_count, work.rejected_count) == (3, 1)
        self.ids["dataset_id"] = work.dataset_id
        review = Review.objects.filter(dataset=work.dataset_id).first()
        assert review is not None
        self.review = review
        self.ids["review_id"] = review.pk

    def _label(self) -> None:
        answers = {"mood": "good", "stars": 3, "parts": []}
        said = record_annotation(review=self.review, annotator=self.owner, answers=answers)
        waiting = Review.objects.exclude(pk=self.review.pk).first()
        assert waiting is not None
        held = Assignment.objects.create(
            project=self.project,
            review=waiting,
            annotator=self.owner,
            source=Assignment.Source.UNRANKED,
            lease_until=timezone.now() + timedelta(hours=1),
        )
        self.ids |= {"annotation_id": said.pk, "assignment_id": held.pk}
        self._talk(said)

    def _talk(self, said: Annotation) -> None:
        """Have somebody change their answers, flag and be commented on, all in hostile words."""
        edit(
            annotation=said,
            annotator=self.owner,
            schema_version=current_schema(self.project).version,
            answers={"mood": "bad", "stars": 2, "parts": []},
            note=self.words("change"),
        )
        flag = self.send("flags/", {"review": self.review.pk, "note": self.words("flag")})
        other = Membership.objects.get(
            project=self.project, user=factories.member(self.project, Role.REVIEWER)
        )
        body = f"@{self.owner.username} {self.words('comment')}"
        comment = say(membership=other, review=self.review, body=body)
        self.ids |= {
            "flag_id": flag["id"],
            "comment_id": comment.pk,
            "person_id": self.owner.pk,
        }

    def _make_of_it(self) -> None:
        ((column, value),) = self.review.metadata.items()
        filters = {f"meta.{column}": value, "product": self.review.product}
        made = f"datasets/{self.ids['dataset_id']}/versions/"
        self.send(made, {"note": self.words("note")})
        self.send(made, {"note": f"{self.words('note')} 2"})
        derived = {"name": self.words("derived"), "filters": {"q": "planted", **filters}}
        self.derived_id = self.send("datasets/derive/", derived)["dataset"]["id"]
        exported = self.send("exports/", {"format": "csv", "filters": filters})
        bulk = {"kind": "label", "reviews": [self.review.pk], "answers": {"mood": "bad"}}
        view = SavedView.objects.create(
            project=self.project,
            created_by=self.owner,
            name=self.words("view"),
            query=f"product={self.words('query')}",
            is_shared=True,
        )
        failed = enqueue(project=self.project, kind="import", actor=self.owner)
        Job.objects.filter(pk=failed.pk).update(
            state=Job.State.FAILED, reason=self.words("reason"), message=self.words("reason")
        )
        self.ids |= {
            "export_id": exported["export"]["id"],
            "action_id": self.send("bulk-actions/", bulk)["id"],
            "view_id": view.pk,
            "job_id": failed.pk,
            "token_id": 1,
        }

    def _model(self) -> None:
        named = {"project": self.project, "number": 2, "tier": "tfidf"}
        encoder = self.words("encoder")
        run = TrainingRun.objects.create(
            created_by=self.owner,
            encoder=encoder,
            counts={"train": 1, "validation": 1, "test": 1},
            config=TrainConfig(Tier.TFIDF, (HeadConfig("stars", Kind.NUMBER),)).to_json(),
            **named,
        )
        folder = settings.MODELS_DIR / "hostile"
        folder.mkdir(parents=True)
        (folder / "CARD.md").write_text(self.words("card"))
        sums = {"CARD.md": file_sha256(folder / "CARD.md")}
        hardware = {"processor": self.words("processor")}
        write_json(folder / "manifest.json", {"files": sums, "hardware": hardware})
        kept = {"directory": "hostile", "manifest_sha256": file_sha256(folder / "manifest.json")}
        version = ModelVersion.objects.create(
            training_run=run, encoder=encoder, is_champion=True, **named, **kept
        )
        self._challenge(version, encoder)
        work = PredictionJob.objects.create(
            project=self.project,
            model_version=version,
            created_by=self.owner,
            upload_id=self.ids["upload_id"],
            job_id=self.ids["job_id"],
            text_column=self.words("column"),
        )
        self.ids |= {"prediction_id": work.pk, "name": "CARD.md"}

    def _challenge(self, champion: ModelVersion, encoder: str) -> None:
        """Add a version that answers the one review otherwise, so that they are compared."""
        run = TrainingRun.objects.create(
            project=self.project, number=3, tier="tfidf", config=champion.training_run.config
        )
        challenger = ModelVersion.objects.create(
            project=self.project, number=3, tier="tfidf", training_run=run, encoder=encoder
        )
        Review.objects.filter(pk=self.review.pk).update(split="test", is_labelled=True)
        for version, option in ((champion, "bad"), (challenger, "good")):
            version.training_run.counts |= {"questions": {"mood": {"train": 1}}}
            version.training_run.save()
            Prediction.objects.create(
                model_version=version,
                review=self.review,
                question_key="mood",
                option=option,
                value={"option": option, "confidence": 1.0, "probabilities": {option: 1.0}},
            )

    def path(self, route: str) -> str:
        """Fill in a route's arguments with things of this project."""
        return "/" + re.sub(r"<\w+:(\w+)>", lambda match: str(self.ids[match[1]]), route)

    def addresses(self) -> list[dict[str, str]]:
        """Return parameters that somebody may have put into a link."""
        fine = ("product", "author", f"meta.{self.column}", "columns", "kind", "tier", "encoder")
        wrong = ("q", "dataset", "split", "since", "after", "format", self.words("parameter"))
        hostile = self.words("address")
        return [
            dict.fromkeys(fine, hostile),
            {"scope": "all", "filters": f"product={hostile}"},
            *({name: hostile} for name in wrong),
        ]

    def pages(self) -> list[str]:
        """Return the addresses of all pages that can be read."""
        return [self.path(route) for route in PAGES if "get" in LOWEST.get(route, {"get": 0})]


@pytest.fixture
def visitor(owner: User, signed_in: Callable[[User], Client]) -> Client:
    client = signed_in(owner)
    client.raise_request_exception = True
    return client


@pytest.fixture
def build(project: Project, owner: User, visitor: Client) -> Callable[[str], World]:
    return lambda form: World(project, owner, visitor, form)


def words_of(answer: Any) -> str:
    """Return what an answer says; raise Alive when something in it runs, or it is a defect."""
    assert answer.status_code != 500, answer.request["PATH_INFO"]
    kind = answer.headers.get("Content-Type", "")
    if answer.status_code in {301, 302}:
        assert re.match(r"/(?![/\\])", answer.headers["Location"]), answer.headers["Location"]
        return ""
    whole = b"".join(answer)
    body = whole.decode() if "text" in kind or "json" in kind else ""
    if kind.startswith("text/html"):
        assert "PLANTED" not in body
        assert body.count('name="csrfmiddlewaretoken"') >= body.count('method="post"')
        return read_page(body)
    # Whatever is no page is nothing that a browser would take for one.
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    if whole and "json" not in kind and not kind.startswith("text/plain"):
        assert _ATTACHMENT.fullmatch(answer["Content-Disposition"]), answer["Content-Disposition"]
    return ""


@pytest.mark.parametrize("form", MARKUP.values(), ids=MARKUP)
def test_words_stay_words_on_every_page(build: Callable[[str], World], form: str) -> None:
    world = build(form)
    seen = ""
    for path in world.pages():
        for headers in ({}, HTMX):
            answer = world.client.get(path, headers=headers)

            assert answer.status_code in {200, 204, 286, 302, 409}, (path, answer.status_code)
            seen += words_of(answer)
    for extra in ("tier=full", f"dataset={world.ids['dataset_id']}"):
        seen += words_of(world.client.get(f"/projects/shop/reviews/?{extra}"))
    for pk in Dataset.objects.values_list("pk", flat=True):
        seen += words_of(world.client.get(f"/projects/shop/reviews/datasets/{pk}/"))
    columns = f"meta.{world.column}"
    table = {"columns": ["text", "product", "author", "dataset", columns]}
    seen += words_of(world.client.get("/projects/shop/reviews/", table))
    for job_id in Job.objects.values_list("pk", flat=True):
        seen += words_of(world.client.get(f"/projects/shop/jobs/{job_id}/"))

    assert {name for name in PLANTED if f"planted-{name}" not in seen} == set()


@pytest.mark.parametrize("form", [ALL_AT_ONCE, MARKUP["address"]], ids=["all", "address"])
def test_words_in_an_address_stay_words(build: Callable[[str], World], form: str) -> None:
    world = build(form)
    seen = ""
    for path in world.pages():
        for asked in world.addresses():
            seen += words_of(world.client.get(path, asked))

    assert "planted-address" in seen


@pytest.mark.parametrize("form", [ALL_AT_ONCE, MARKUP["address"]], ids=["all", "address"])
def test_words_in_a_form_stay_words(build: Callable[[str], World], form: str) -> None:
    world = build(form)
    written = ["name", "next", "query", "kind", "do", "key", "note", "filters", "username"]
    for route in PAGES:
        # What takes something away would take the things of the other routes.
        if "post" in LOWEST.get(route, {"post": 0}) and not route.endswith(_TAKES_AWAY):
            path = world.path(route)
            page = world.client.get(path)
            form_of_page = page.context.get("form") if page.context else None
            names = [*written, *(field.html_name for field in form_of_page or ())]

            for headers in ({}, HTMX):
                sent = dict.fromkeys(names, world.words("form"))
                words_of(world.client.post(path, sent, headers=headers))


@pytest.mark.parametrize(
    "next_page", ["//canary.test/", "https://canary.test/", "/\\canary.test", "javascript:alert(1)"]
)
def test_signing_in_and_out_leads_nowhere_else(
    owner: User, visitor: Client, next_page: str
) -> None:
    owner.set_password("open sesame, please")
    owner.save()
    given = {"login": owner.username, "password": "open sesame, please", "next": next_page}

    came = Client().post("/accounts/login/", given)
    left = visitor.post("/accounts/logout/", {"next": next_page})

    for answer in (came, left):
        assert answer.status_code == 302
        assert re.match(r"/(?![/\\])", answer.headers["Location"])


@pytest.mark.parametrize("form", MARKUP.values(), ids=MARKUP)
def test_an_address_that_is_none_is_answered_in_words(visitor: Client, form: str) -> None:
    for base in ("/", "/projects/shop/", "/projects/shop/label/questions/"):
        words_of(visitor.get(f"{base}{form}/"))


@pytest.mark.parametrize(
    "name", ["script", "svg", "attribute", "island", "closing", "htmx", "base"]
)
def test_the_reader_sees_what_comes_alive(name: str) -> None:
    form = MARKUP[name]
    island = f'<script type="application/json">"{form}"</script>'

    with pytest.raises(Alive):
        read_page(f"<p title=\"{form}\"></p><p title='{form}'></p>{form}{island}")


@pytest.mark.parametrize(
    "html",
    ["<a href=' java\nscript:x'>", "<p onclick=x>", "<a href=//x>", "<p x onload=y>", "<script>"],
)
def test_the_reader_sees_what_a_browser_would_run(html: str) -> None:
    with pytest.raises(Alive):
        read_page(html)
