from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reviews", "0006_drop_what_was_carried_over"),
    ]

    operations = [
        migrations.AddField(
            model_name="datasetversion",
            name="file_sha256",
            field=models.CharField(blank=True, default="", max_length=64),
        ),
    ]
