"""``/metrics`` for Prometheus: how requests went, from every web process, and what the database holds, in numbers.

No label is made of what anybody sent: routes have names, methods and statuses are a few.
"""

import os
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterator
from datetime import datetime

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from accounts.selectors import icb_ids
from jobs.selectors import due_since, job_counts, open_circuits
from privacy.tenancy import counting_for
from referrals.selectors import business_status_counts

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_LOOPBACK = {"127.0.0.1", "::1"}
_OF_THIS_PROCESS = CollectorRegistry()
_REQUESTS = Counter(
    "peer_http_requests",
    "Answers, by the name of the address, method and class of status.",
    ["route", "method", "status"],
    registry=_OF_THIS_PROCESS,
)
_SECONDS = Histogram(
    "peer_http_request_seconds",
    "How long answers took.",
    ["route", "method"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10),
    registry=_OF_THIS_PROCESS,
)


class RequestCounts:
    """Counts every answer. The outermost middleware, so that nothing is left out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        began = time.perf_counter()
        response = self.get_response(request)
        route = request.resolver_match.view_name if request.resolver_match else ""
        method = request.method if request.method in _METHODS else "other"
        _REQUESTS.labels(route or "none", method, f"{response.status_code // 100}xx").inc()
        _SECONDS.labels(route or "none", method).observe(time.perf_counter() - began)
        return response


class InDatabase(Collector):
    """What every process would tell alike, read when it is asked for."""

    def __init__(self, *, at: datetime) -> None:
        self._at = at

    def collect(self) -> Iterator[Metric]:
        """All of it, or that the database is away."""
        try:
            found = [*_jobs(self._at), _referrals()]
        except DatabaseError:
            found = []
        up = GaugeMetricFamily("peer_database_up", "1 when the database answers.")
        up.add_metric([], 1.0 if found else 0.0)
        yield up
        yield from found


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The numbers, for whoever may have them."""
    if not _may_ask(request):
        sentence = (
            "Send METRICS_TOKEN as a bearer token, or ask from this machine where none is set.\n"
        )
        return HttpResponse(sentence, status=403, content_type="text/plain")
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(_OF_THIS_PROCESS)
    registry.register(InDatabase(at=timezone.now()))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_ask(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        sent = request.headers.get("Authorization", "")
        return constant_time_compare(sent, f"Bearer {settings.METRICS_TOKEN}")
    is_passed_on = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return request.META.get("REMOTE_ADDR") in _LOOPBACK and not is_passed_on


def _jobs(at: datetime) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("peer_jobs", "Jobs in the table.", labels=["kind", "state"])
    for kind, state, number in job_counts():
        jobs.add_metric([kind, state], number)
    yield jobs
    since = due_since(at=at)
    yield GaugeMetricFamily(
        "peer_jobs_oldest_due_seconds",
        "How long the oldest job that could be done has waited. It grows when no worker works.",
        value=max((at - since).total_seconds(), 0) if since else 0,
    )
    circuits = GaugeMetricFamily(
        "peer_open_circuits", "Destinations left alone as they do not answer.", labels=["to"]
    )
    for destination in open_circuits(at=at):
        circuits.add_metric([destination], 1)
    yield circuits


def _referrals() -> Metric:
    numbers: Tally[str] = Tally()
    for icb_id in icb_ids():  # no reach shows more than one ICB's
        with counting_for(icb_id):
            numbers.update(business_status_counts(icb_id))
    family = GaugeMetricFamily(
        "peer_referrals", "Referrals of practices in an ICB, by business status.", labels=["status"]
    )
    for status, number in sorted(numbers.items()):
        family.add_metric([status], number)
    return family
