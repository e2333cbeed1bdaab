from django.db import migrations, models


def _ask_those_who_were_asked(apps, schema_editor):
    """Who is asked again so far is whoever had their answers given back with an open review."""
    annotations = apps.get_model("labelling", "Annotation").objects
    given_back = apps.get_model("labelling", "Assignment").objects.filter(
        review=models.OuterRef("review"),
        annotator=models.OuterRef("annotator"),
        state="withdrawn",
        review__open_review__cause="again",
    )
    rows = annotations.filter(models.Exists(given_back), is_check=False)
    annotations.filter(pk__in=rows.values("pk")).update(is_asked_again=True)


class Migration(migrations.Migration):

    dependencies = [
        ('labelling', '0005_workbench'),
    ]

    operations = [
        migrations.AddField(
            model_name='annotation',
            name='is_asked_again',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RunPython(_ask_those_who_were_asked, migrations.RunPython.noop),
    ]
