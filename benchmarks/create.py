"""Creating a referral over FHIR against a bare Django view that only reads the same JSON and answers with it.

Both go through the same test client, middleware and process, turn by turn, so that the machine's other load falls on
both alike. The ratio says what the product does beyond Django's own cost: token, FHIR checks, encryption, audit, rows.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from itertools import islice

from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from accounts.models import Organisation
from communities.loading import load_reference
from config.fictional import people
from tests import cast

ROUNDS = 200
WARM_UP = 10
PRACTICE = "F84003"


@csrf_exempt
def bare(request: HttpRequest) -> JsonResponse:
    """The floor: what Django itself costs for this body."""
    return JsonResponse(json.loads(request.body), status=201)


urlpatterns = [path("bare", bare), path("", include("config.urls"))]


def main() -> None:
    """Measure turn by turn and print the ratio's median and quartiles."""
    real, floor = _contestants()
    ratios = [real() / floor() for _ in range(ROUNDS + WARM_UP)][WARM_UP:]
    low, median, high = statistics.quantiles(ratios, n=4)
    sys.stdout.write(
        f"POST ServiceRequest / bare Django view, {ROUNDS} rounds on SQLite in memory:"
        f" median ratio {median:.1f} (quartiles {low:.1f} to {high:.1f})\n"
    )


def _contestants() -> tuple[Callable[[], float], Callable[[], float]]:
    """Both requests, each as a function that makes one and says how many seconds it took."""
    settings.ROOT_URLCONF = __name__
    settings.ALLOWED_HOSTS = ["testserver"]  # what the test client calls itself
    call_command("migrate", verbosity=0)
    load_reference()
    system = cast.clinical_system(Organisation.objects.get(ods_code=PRACTICE))
    crowd = people(seed=1)
    bodies = [cast.referral_for(person) for person in islice(crowd, 2 * (ROUNDS + WARM_UP))]

    def timed(place: str, expected: int) -> float:
        body = json.dumps(bodies.pop())
        began = time.perf_counter()
        status = system.post(place, body).status_code
        seconds = time.perf_counter() - began
        if status != expected:
            raise RuntimeError(f"{place} answered {status}")
        return seconds

    return lambda: timed("/fhir/R4/ServiceRequest", 201), lambda: timed("/bare", 201)


if __name__ == "__main__":
    main()
