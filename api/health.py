"""For operators: is the process alive, and can it do its work?"""

from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from jobs.models import Job

LONGEST_WAIT = timedelta(minutes=1)


def live(request: HttpRequest) -> JsonResponse:
    """The process answers. Needs nothing else."""
    del request
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """The database answers and is migrated. Work that has waited for long is told as "degraded", not as down."""
    del request
    try:
        executor = MigrationExecutor(connection)
        is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        waiting = Job.objects.due(timezone.now() - LONGEST_WAIT).count()
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    status = "not migrated" if not is_migrated else "degraded" if waiting else "ready"
    return JsonResponse(
        {"status": status, "migrated": is_migrated, "jobs_waiting_too_long": waiting},
        status=200 if is_migrated else 503,
    )
