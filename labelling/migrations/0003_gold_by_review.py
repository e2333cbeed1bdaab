"""Give gold a key of review, question and slot, and annotations a trace of where they came from."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

_COPY = """
    INSERT INTO labelling_gold (review_id, question_id, slot, option_id, project_id, number, source)
    SELECT review_id, question_id, COALESCE(option_id, 0), option_id, project_id, number, source
    FROM labelling_goldbefore
"""


def _loose(to: str, **options: object) -> models.ForeignKey:
    chosen: dict[str, object] = {"on_delete": django.db.models.deletion.CASCADE, **options}
    return models.ForeignKey(to=to, db_index=False, db_constraint=False, **chosen)


class Migration(migrations.Migration):
    dependencies = [
        ("labelling", "0002_fewer_indexes"),
        ("projects", "0001_initial"),
        ("reviews", "0006_drop_what_was_carried_over"),
    ]

    operations = [
        migrations.AddField(
            model_name="annotation",
            name="import_job",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="annotations",
                to="reviews.importjob",
            ),
        ),
        migrations.AddField(
            model_name="annotation",
            name="bulk_action",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="annotations",
                to="reviews.bulkaction",
            ),
        ),
        migrations.RemoveConstraint(model_name="gold", name="one_gold_per_option"),
        migrations.RemoveConstraint(model_name="gold", name="one_gold_without_option"),
        migrations.RemoveConstraint(model_name="gold", name="gold_is_option_or_number"),
        migrations.RemoveIndex(model_name="gold", name="gold_by_option"),
        migrations.RenameModel(old_name="Gold", new_name="GoldBefore"),
        migrations.CreateModel(
            name="Gold",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "review_id",
                        "question_id",
                        "slot",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("number", models.FloatField(null=True)),
                ("slot", models.BigIntegerField(default=0)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("consensus", "Consensus of annotators"),
                            ("imported", "Imported column"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "option",
                    _loose(
                        "labelling.option",
                        null=True,
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                    ),
                ),
                ("project", _loose("projects.project", related_name="gold")),
                (
                    "question",
                    _loose(
                        "labelling.question",
                        on_delete=django.db.models.deletion.RESTRICT,
                        related_name="+",
                    ),
                ),
                ("review", _loose("reviews.review", related_name="gold")),
            ],
        ),
        migrations.RunSQL(_COPY, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="gold",
            index=models.Index(fields=["question", "option", "review"], name="gold_by_option"),
        ),
        migrations.AddConstraint(
            model_name="gold",
            constraint=models.CheckConstraint(
                condition=Q(option=None) | Q(number=None), name="gold_is_option_or_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="gold",
            constraint=models.CheckConstraint(
                condition=Q(option=None, slot=0) | Q(slot=F("option_id")),
                name="gold_slot_is_its_option",
            ),
        ),
        migrations.DeleteModel(name="GoldBefore"),
    ]
