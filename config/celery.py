"""The Celery application: carries wake-ups, never work. Its only schedule is a nudge that looks for due jobs."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("peer-referrals")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
