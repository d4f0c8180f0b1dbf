"""R4, Search: parameters, results, modifiers, includes and pages."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from django.conf import settings

from config.fictional import Person, people
from referrals.models import PracticeTask, PracticeTaskKind, Referral
from tests import cast
from tests.api.answers import issues
from tests.conformance.conftest import Get, Resource, body
from tests.integrations.fhir.cast import check
from tests.referrals import steps

pytestmark = pytest.mark.django_db

BASE = f"{settings.PUBLIC_BASE_URL}/fhir/R4"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def three(gp_system: cast.ClinicalSystem) -> list[str]:
    """The ids of three referrals, oldest first."""
    crowd: Iterator[Person] = people(seed=11)
    return [str(steps.referred(gp_system, next(crowd)).pk) for _ in range(3)]


def _ids(bundle: Resource) -> list[str]:
    entries = bundle.get("entry", [])
    return [entry["resource"]["id"] for entry in entries if entry["search"]["mode"] == "match"]


def _link(bundle: Resource, relation: str) -> str:
    [url] = [one["url"] for one in bundle["link"] if one["relation"] == relation]
    return str(url).removeprefix(f"{BASE}/")


def test_search_returns_a_searchset(three: list[str], get: Get) -> None:
    """R4 search, Introduction: a Bundle of type searchset, each entry with its fullUrl and mode."""
    bundle = get("ServiceRequest")

    assert (bundle["type"], bundle["total"]) == ("searchset", 3)
    assert check(bundle) == []
    for entry in bundle["entry"]:
        assert entry["fullUrl"] == f"{BASE}/ServiceRequest/{entry['resource']['id']}"
        assert entry["search"]["mode"] == "match"


def test_search_without_matches_is_an_empty_searchset(get: Get) -> None:
    """R4 search, Introduction: nothing found is success, with a total of 0."""
    bundle = get("ServiceRequest?identifier=nothing")

    assert (bundle["total"], "entry" in bundle) == (0, False)


def test_search_tells_in_the_self_link_what_was_used(three: list[str], get: Get) -> None:
    """R4 search, Server Conformance: the self link holds the parameters that were used."""
    bundle = get("ServiceRequest?status=active&_count=2")

    assert _link(bundle, "self") == "ServiceRequest?status=active&_count=2"


def test_search_by_get_and_by_post_is_the_same(
    gp_system: cast.ClinicalSystem, three: list[str], get: Get
) -> None:
    """R4 http, search: both forms are served."""
    posted = gp_system.post("/fhir/R4/ServiceRequest/_search", "status=active", Content_Type=FORM)

    assert body(posted)["entry"] == get("ServiceRequest?status=active")["entry"]


def test_id_finds_that_resource(three: list[str], get: Get) -> None:
    """R4 search, _id: by logical id, several with commas."""
    assert _ids(get(f"ServiceRequest?_id={three[0]}")) == [three[0]]
    assert set(_ids(get(f"ServiceRequest?_id={three[0]},{three[2]}"))) == {three[0], three[2]}


@pytest.mark.parametrize(
    ("prefix", "is_found"),
    [("eq", False), ("ne", True), ("gt", True), ("ge", True), ("lt", False), ("le", False), ("sa", True), ("eb", False)],
)  # fmt: skip
def test_last_updated_is_searched_with_prefixes(
    three: list[str], get: Get, prefix: str, is_found: bool
) -> None:
    """R4 search, date: the prefixes, here against a day long before."""
    assert bool(get(f"Task?_lastUpdated={prefix}2020-01-01")["total"]) is is_found


def test_parameters_are_joined_by_and_and_values_by_or(three: list[str], get: Get) -> None:
    """R4 search, Composite Search Parameters: repeated parameters narrow, commas widen."""
    assert get("ServiceRequest?status=active,draft")["total"] == 3
    assert get("ServiceRequest?status=active&status=draft")["total"] == 0


@pytest.mark.parametrize(
    ("token", "total"),
    [
        ("active", 3),
        ("http://hl7.org/fhir/request-status|active", 3),
        ("http://hl7.org/fhir/request-status|", 3),
        ("http://hl7.org/fhir/task-status|active", 0),
        ("|active", 0),
    ],
)
def test_a_token_names_code_and_system(three: list[str], get: Get, token: str, total: int) -> None:
    """R4 search, token: [code], [system]|[code], |[code] and [system]|."""
    assert get(f"ServiceRequest?status={quote(token)}")["total"] == total


def test_not_reverses_a_token(three: list[str], get: Get) -> None:
    """R4 search, Modifiers: :not."""
    assert get("ServiceRequest?status:not=active")["total"] == 0
    assert get("ServiceRequest?status:not=draft")["total"] == 3


def test_missing_asks_whether_there_is_a_value(three: list[str], get: Get) -> None:
    """R4 search, Modifiers: :missing true or false."""
    assert get("Task?focus:missing=false")["total"] == 3
    assert get("Task?focus:missing=true")["total"] == 0


def test_a_modifier_that_is_not_supported_is_refused(
    gp_system: cast.ClinicalSystem,
) -> None:
    """R4 search, Modifiers: a server rejects a modifier that it does not support."""
    assert issues(gp_system.get("/fhir/R4/ServiceRequest?status:above=active"), 400)


@pytest.mark.parametrize("value", ["ServiceRequest/{}", "{}", f"{BASE}/ServiceRequest/{{}}"])
def test_a_reference_is_given_as_id_type_and_id_or_address(
    three: list[str], get: Get, value: str
) -> None:
    """R4 search, reference: [id], [type]/[id] and [url]."""
    assert _ids(get(f"Task?focus={value.format(three[1])}")) == [three[1]]


def test_a_chain_searches_by_what_is_referred_to(three: list[str], get: Get) -> None:
    """R4 search, Chained Parameters: with and without the type."""
    assert get("Task?focus.status=active")["total"] == 3
    assert get("Task?focus:ServiceRequest.status=draft")["total"] == 0


def test_has_searches_by_what_refers_here(three: list[str], get: Get) -> None:
    """R4 search, Reverse Chaining: _has."""
    assert get("ServiceRequest?_has:Task:focus:status=requested")["total"] == 3
    assert get("ServiceRequest?_has:Task:focus:status=completed")["total"] == 0


def test_include_brings_what_is_referred_to(three: list[str], get: Get) -> None:
    """R4 search, _include: included resources have the mode include and do not count as matches."""
    bundle = get(f"Task?_id={three[0]}&_include=Task:focus")

    modes = [(one["search"]["mode"], one["resource"]["resourceType"]) for one in bundle["entry"]]
    assert modes == [("match", "Task"), ("include", "ServiceRequest")]
    assert bundle["total"] == 1


def test_revinclude_brings_what_refers_here(three: list[str], get: Get) -> None:
    """R4 search, _revinclude."""
    bundle = get(f"ServiceRequest?_id={three[0]}&_revinclude=Task:focus")

    assert [one["resource"]["resourceType"] for one in bundle["entry"]] == [
        "ServiceRequest",
        "Task",
    ]


def test_nothing_stands_twice_in_a_searchset(three: list[str], get: Get) -> None:
    """R4 Bundle, bdl-7: fullUrl is unique."""
    bundle = get(
        "ServiceRequest?_include=ServiceRequest:patient&_revinclude=Task:focus&_include:iterate=Task:focus"
    )

    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(urls) == len(set(urls))


def test_sort_orders_the_matches(three: list[str], get: Get) -> None:
    """R4 search, _sort: ascending, with - descending."""
    assert _ids(get("ServiceRequest?_sort=_lastUpdated")) == three
    assert _ids(get("ServiceRequest?_sort=-_lastUpdated")) == three[::-1]


def test_count_is_never_exceeded(three: list[str], get: Get) -> None:
    """R4 search, _count: not more than asked for on a page; the total counts all."""
    bundle = get("ServiceRequest?_count=2&_total=accurate")

    assert (len(_ids(bundle)), bundle["total"]) == (2, 3)


def test_count_zero_is_a_summary_of_the_count(three: list[str], get: Get) -> None:
    """R4 search, _count: 0 is treated as _summary=count."""
    by_count, by_summary = get("Task?_count=0"), get("Task?_summary=count")

    assert [("entry" in one, one["total"]) for one in (by_count, by_summary)] == [(False, 3)] * 2


def test_pages_lead_through_all_matches_once(three: list[str], get: Get) -> None:
    """R4 http, Paging: next until there is none."""
    first = get("ServiceRequest?_count=2")
    second = get(_link(first, "next"))

    assert _ids(first) + _ids(second) == three[::-1]
    assert "next" not in [link["relation"] for link in second["link"]]
    assert _ids(get(_link(second, "previous"))) == _ids(first)


def test_pages_of_a_history_lead_through_different_kinds_of_tasks(task: Resource, get: Get) -> None:
    """R4 http, Paging: also where versions of one moment come from different tables."""
    referral = Referral.objects.get()
    for kind in PracticeTaskKind:
        PracticeTask.objects.create(referral=referral, kind=kind, raised_at=referral.told_at)
    everything = get("Task/_history")

    pages = [get("Task/_history?_count=1")]
    while any(link["relation"] == "next" for link in pages[-1]["link"]):
        pages.append(get(_link(pages[-1], "next")))

    assert everything["total"] == 3 + len(PracticeTaskKind)
    assert [page["entry"][0] for page in pages] == everything["entry"]


def test_total_none_leaves_out_the_total(three: list[str], get: Get) -> None:
    """R4 search, _total."""
    assert "total" not in get("Task?_total=none")
    assert get("Task?_total=accurate")["total"] == 3


def test_elements_keeps_what_is_mandatory(three: list[str], get: Get) -> None:
    """R4 search, _elements: mandatory elements are always there, and the result is marked."""
    [entry] = get(f"ServiceRequest?_id={three[0]}&_elements=identifier")["entry"]

    assert {"status", "intent", "subject", "identifier"} <= entry["resource"].keys()
    assert "reasonCode" not in entry["resource"]
    assert entry["resource"]["meta"]["tag"][-1]["code"] == "SUBSETTED"


def test_an_unknown_parameter_bars_a_strict_search(gp_system: cast.ClinicalSystem) -> None:
    """R4 search, Handling Errors: Prefer handling=strict makes an unknown parameter an error."""
    answer = gp_system.get("/fhir/R4/Task?colour=blue", Prefer="handling=strict")

    assert issues(answer, 400)


def test_an_unknown_parameter_is_left_out_of_a_lenient_search(three: list[str], get: Get) -> None:
    """R4 search, Handling Errors: handling=lenient; what was left out is said in an OperationOutcome."""
    bundle = get("Task?colour=blue", Prefer="handling=lenient")

    assert bundle["total"] == 3
    assert "colour" not in _link(bundle, "self")
    assert bundle["entry"][-1]["search"]["mode"] == "outcome"
    assert bundle["entry"][-1]["resource"]["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("query", ["_lastUpdated=yesterday", "_count=x", "_include=Task:colour"])
def test_a_value_that_is_not_understood_is_400(gp_system: cast.ClinicalSystem, query: str) -> None:
    """R4 search, Handling Errors: the search fails with an OperationOutcome."""
    assert issues(gp_system.get(f"/fhir/R4/Task?{query}"), 400)


def test_every_parameter_that_is_stated_is_served(wide_system: cast.ClinicalSystem) -> None:
    """R4 CapabilityStatement: what is listed under searchParam works."""
    values = {
        "date": "2020-01-01",
        "token": "x",
        "reference": "Patient/x",
        "string": "x",
        "uri": "x",
    }
    [rest] = body(wide_system.get("/fhir/R4/metadata"))["rest"]
    asked = [
        f"{one['type']}?{parameter['name']}={values[parameter['type']]}"
        for one in rest["resource"]
        for parameter in one.get("searchParam", ())
    ]

    assert len(asked) > 60
    for query in asked:
        assert body(wide_system.get(f"/fhir/R4/{query}"))["type"] == "searchset", query


def test_every_include_that_is_stated_is_served(wide_system: cast.ClinicalSystem) -> None:
    """R4 CapabilityStatement: what is listed under searchInclude and searchRevInclude works."""
    [rest] = body(wide_system.get("/fhir/R4/metadata"))["rest"]
    asked = [
        f"{one['type']}?{how}={value}"
        for one in rest["resource"]
        for how, member in (("_include", "searchInclude"), ("_revinclude", "searchRevInclude"))
        for value in one.get(member, ())
    ]

    assert len(asked) > 15
    for query in asked:
        assert body(wide_system.get(f"/fhir/R4/{query}"))["type"] == "searchset", query
