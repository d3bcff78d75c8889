"""The kit's three tables."""

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Create what the kit keeps; nothing of the shop's is touched."""

    initial = True
    dependencies: ClassVar = []
    operations: ClassVar = [
        migrations.CreateModel(
            name="DeskKey",
            fields=[
                ("id", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("configured", models.BinaryField()),
                ("current", models.BinaryField()),
                ("next", models.BinaryField(null=True)),
            ],
            options={"verbose_name": "cash desk's key", "verbose_name_plural": "cash desks' keys"},
        ),
        migrations.CreateModel(
            name="FiscalDocument",
            fields=[
                ("id", models.CharField(max_length=80, primary_key=True, serialize=False)),
                ("data", models.TextField()),
                ("received_ms", models.BigIntegerField()),
            ],
            options={"verbose_name": "fiscal document", "verbose_name_plural": "fiscal documents"},
        ),
        migrations.CreateModel(
            name="Transaction",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("desk", models.CharField(default="default", max_length=64)),
                ("time_ms", models.BigIntegerField()),
                ("amount_tiyin", models.BigIntegerField()),
                ("account", models.TextField()),
                ("guard", models.CharField(max_length=255, null=True)),
                ("number", models.CharField(max_length=255)),
                ("state", models.SmallIntegerField()),
                ("reason", models.SmallIntegerField(null=True)),
                ("create_time_ms", models.BigIntegerField()),
                ("perform_time_ms", models.BigIntegerField(default=0)),
                ("cancel_time_ms", models.BigIntegerField(default=0)),
                ("receivers", models.TextField(null=True)),
                ("accepted", models.SmallIntegerField(default=0)),
                ("due_ms", models.BigIntegerField(db_index=True, null=True)),
            ],
            options={
                "verbose_name": "transaction",
                "verbose_name_plural": "transactions",
                "indexes": [models.Index(fields=["desk", "time_ms", "id"], name="tiyin_statement")],
                "constraints": [models.UniqueConstraint(fields=("guard",), name="tiyin_guard")],
            },
        ),
    ]
