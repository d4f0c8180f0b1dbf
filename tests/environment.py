"""The environment that tests run in. Loaded by pytest before Django reads its settings (``-p`` in pyproject.toml).

What is set already wins, so that a run against PostgreSQL only has to set DATABASE_URL.
"""

import base64
import os
import secrets


def prepare() -> None:
    """Keys made for this run alone, and a broker that nothing listens to."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(48))
    os.environ.setdefault("FIELD_KEYS", base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
    os.environ.setdefault("CELERY_BROKER_URL", "memory://localhost/")
    os.environ["CACHE_URL"] = ""  # the tests empty the cache, and must not empty anybody's Redis
    os.environ.setdefault("DEMO", "0")  # whatever a developer's .env says


prepare()
