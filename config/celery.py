"""The Celery application: carries wake-ups, never work. What it wakes on a schedule is in the settings."""

import os

from celery import Celery
from celery.signals import beat_init, worker_init

from config.starting import refuse_unsafe_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("peer-referrals")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect  # type: ignore[untyped-decorator]  # Celery has no types
@beat_init.connect  # type: ignore[untyped-decorator]
def _look_before_working(**_signal: object) -> None:
    refuse_unsafe_start()
