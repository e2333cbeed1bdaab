from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('labelling', '0006_asked_again'),
    ]

    operations = [
        migrations.AddField(
            model_name='adjudication',
            name='imported',
            field=models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict),
        ),
    ]
