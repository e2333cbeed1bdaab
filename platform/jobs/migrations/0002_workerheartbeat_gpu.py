"""A worker says which GPU its jobs can use."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="workerheartbeat",
            name="gpu",
            field=models.CharField(blank=True, default="", max_length=200),
        ),
    ]
