"""Settings, URLs and processes: the room that puts all others together."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
