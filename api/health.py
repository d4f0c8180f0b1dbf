"""For operators: is the process alive, and can it do its work?"""

from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from jobs.models import Job

LONGEST_WAIT = timedelta(minutes=5)


def live(request: HttpRequest) -> JsonResponse:
    """The process answers. Needs nothing else."""
    del request
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """The database answers and is migrated, and no work has waited for long."""
    del request
    try:
        executor = MigrationExecutor(connection)
        is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        waiting = Job.objects.due(timezone.now() - LONGEST_WAIT).count()
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    checks = {"migrated": is_migrated, "jobs_waiting_too_long": waiting}
    return JsonResponse(
        {"status": "ready" if is_migrated else "not migrated", **checks},
        status=200 if is_migrated else 503,
    )
