import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('communities', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Area',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('place', models.CharField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=200)),
                ('valid_to', models.DateField(blank=True, null=True)),
                ('updated_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.AddField(
            model_name='community',
            name='updated_at',
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name='community',
            name='areas',
            field=models.ManyToManyField(blank=True, related_name='communities', to='communities.area'),
        ),
    ]
