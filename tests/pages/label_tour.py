"""A project in which every labelling page has something to show, and the addresses of them all."""

TOUR = """
import datetime, json
from django.utils import timezone
from tests import factories
from labelling import comments, flags, open_flags, reservations, checks, services
from labelling.adjudication import adjudicate
from labelling.changes import Rename
from labelling.services import Suggested, store_suggestions
from labelling.versions import change_questions
from projects.models import Membership, Role

ada = factories.user("ada", first_name="Ada", last_name="Lovelace")
ada.set_password({secret!r}); ada.save()
project = factories.project(owner=ada)
ben = factories.member(project, Role.REVIEWER, "ben")
chloe = factories.member(project, Role.ANNOTATOR, "chloe-with-a-rather-long-name")
data = factories.dataset(project, "Lamps of the spring sale")
text = ("Order {{n}}: the price was fair and the packaging lovely, but the lamp broke after a week "
        "and customer service never answered. ✨ Would I buy it again? No, the quality is poor.")
rows = [factories.review(project, text.format(n=10 + n), dataset=data, product=f"Lamp {{n % 3}}")
        for n in range({count})]
data.review_count = len(rows); data.save()
project.overlap = 2; project.control_share = 0; project.save()
here = rows[0].text.index

def span(word, option, polarity=""):
    at = here(word)
    return {{"start": at, "end": at + len(word), "text": word, "option": option,
            "polarity": polarity}}

def said(sentiment, rating, aspects, *spans):
    return {{"sentiment": sentiment, "rating": rating, "aspects": aspects,
            "aspect_spans": list(spans)}}

poor = said("negative", 2, ["price", "quality"], span("price", "price", "positive"),
            span("quality", "quality", "negative"))
fair = said("neutral", 3, ["price", "packaging"], span("the price", "price", "positive"))
day = timezone.now() - datetime.timedelta(days=6)
for n, row in enumerate(rows[:24]):
    at = day + datetime.timedelta(hours=5 * n)
    services.record_annotation(review=row, annotator=ben, answers=poor, seconds=20 + n,
                               created_at=at)
    services.record_annotation(review=row, annotator=chloe, answers=fair if n % 3 else poor,
                               seconds=12 + n, created_at=at)
mine = services.record_annotation(review=rows[0], annotator=ada, answers=poor, seconds=31)
services.edit(annotation=mine, annotator=ada, schema_version=1, revision=1, answers=fair)
adjudicate(review=rows[2], reviewer=ben, schema_version=1, answers=fair, reason="A mixed one.")
seat = Membership.objects.get(project=project, user=ada)
comments.say(membership=Membership.objects.get(project=project, user=ben), review=rows[1],
             body="@ada is a broken lamp “quality” or “durability”?")
comments.say(membership=seat, review=rows[1], body="Durability, see the guidelines.")
flags.flag_review(project=project, review=rows[1], person=chloe, note="Is this sarcastic?")
flags.flag_review(project=project, review=rows[3], person=ben, note="Half of it is in French.")
settled = flags.flag_review(project=project, review=rows[4], person=ben, note="A duplicate?")
open_flags.resolve(membership=seat, flag=settled)
checks.draw_checks(project=project, actor=ada, count=1)
reservations.distribute(project=project, actor=ada, weights={{"ben": 1}}, count=2)
change_questions(project=project, actor=ada, changes=(
    Rename(question="sentiment", option="neutral", name="Neither"),), based_on=1,
    guidelines="# How to decide\\n\\nMark the **shortest** words that name an aspect.")
model = [("sentiment", "negative"), ("rating", 2), ("aspects", ["quality"]), ("aspect_spans", [
    span("price", "price", "positive"), span("quality", "quality", "negative"),
    span("customer service", "customer_service", "negative")])]
store_suggestions(project=project, version=3, rows=[
    Suggested(row.pk, key, value, 0.9) for row in rows for key, value in model])
print(json.dumps({{"decided": rows[2].pk, "disputed": rows[1].pk, "mine": mine.pk,
                  "mine_review": rows[0].pk, "person": ben.pk}}))
"""

#: Below the project, without its slash; names in braces are what the tour's code printed.
PAGES = (
    "label/",
    "label/next/",
    "label/annotations/{mine}/",
    "label/agreement/",
    "label/agreement/reviews/?question=sentiment",
    "label/disagreements/",
    "label/disagreements/{disputed}/",
    "label/disagreements/{decided}/",
    "label/reliability/",
    "label/people/",
    "label/people/{person}/",
    "label/answers/",
    "label/mentions/",
    "label/flags/",
    "label/reviews/{disputed}/history/",
    "label/reviews/{mine_review}/history/",
    "label/suggestions/",
    "label/guidelines/",
    "label/keys/",
    "label/questions/",
    "label/questions/add/",
    "label/questions/sentiment/",
    "label/questions/rating/",
    "label/questions/aspect_spans/",
    "label/question-versions/",
    "label/assign/",
    "label/checks/",
    "settings/policies/",
    "reviews/{disputed}/",
)
