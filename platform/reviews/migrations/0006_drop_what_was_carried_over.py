from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("reviews", "0005_fill_in")]

    operations = [
        migrations.RemoveField(
            model_name='importjob',
            name='delimiter',
        ),
        migrations.RemoveField(
            model_name='importjob',
            name='encoding',
        ),
        migrations.RemoveField(
            model_name='importjob',
            name='has_header',
        ),
        migrations.RemoveField(
            model_name='review',
            name='text_hash',
        ),
    ]
