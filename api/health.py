"""For operators: is the process alive, and can it do its work?"""

from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from jobs.selectors import jobs_due_before, open_circuits

LONGEST_WAIT = timedelta(minutes=1)


_seen: set[str] = set()


def _is_migrated() -> bool:
    """Asked until it is true: migrations of this release are not taken back while it runs."""
    if "migrated" not in _seen:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False
        _seen.add("migrated")
    return True


@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers. Needs nothing else."""
    del request
    return JsonResponse({"status": "live"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """The database may be used and is migrated. Work that waits is told as "degraded", not as down."""
    del request
    now = timezone.now()
    try:
        is_migrated = _is_migrated()
        waiting, silent = jobs_due_before(now - LONGEST_WAIT), open_circuits(at=now)
    except DatabaseError:
        return JsonResponse({"status": "no database"}, status=503)
    is_degraded = waiting or silent
    status = "not migrated" if not is_migrated else "degraded" if is_degraded else "ready"
    return JsonResponse(
        {
            "status": status,
            "migrated": is_migrated,
            "jobs_waiting_too_long": waiting,
            "destinations_that_do_not_answer": silent,
        },
        status=200 if is_migrated else 503,
    )
