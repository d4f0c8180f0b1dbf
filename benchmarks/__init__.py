"""What is measured, and against what. Run with ``make bench``; read the ratios, not the times."""

import os

import django

from tests import environment

# Set up here, before any module of this package is imported, because those import models. A server whose settings are
# in this package has been told everything by whoever started it.
if not os.environ.get("DJANGO_SETTINGS_MODULE", "").startswith(f"{__name__}."):
    environment.prepare()
    os.environ["DATABASE_URL"] = os.environ.get("BENCH_DATABASE_URL", "sqlite:///:memory:")
    django.setup()
