"""The RESTful interactions that all types share: versions, history, conditions of reading, preferences, formats."""

import json
from typing import Any

import pytest

from config.fictional import Person, patient_resource
from referrals.models import Referral
from tests import cast
from tests.api.answers import issues
from tests.referrals import steps

pytestmark = pytest.mark.django_db


@pytest.fixture
def referral(gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs) -> Referral:
    """A referral whose patient has been invited: received, matched, invited."""
    return steps.invited(gp_system, person, run_jobs)


def _resource(answer: Any, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    resource: dict[str, Any] = json.loads(answer.content)
    return resource


def _patient(gp_system: cast.ClinicalSystem, person: Person) -> dict[str, Any]:
    [patient] = cast.referral_for(person)["contained"]
    del patient["id"]
    return _resource(gp_system.post("/fhir/R4/Patient", patient), 201)


def test_a_history_holds_every_version_the_newest_first(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    bundle = _resource(gp_system.get(f"/fhir/R4/Task/{referral.pk}/_history"))

    assert (bundle["type"], bundle["total"]) == ("history", 3)
    shown = [(e["resource"]["meta"]["versionId"], e["request"]["method"]) for e in bundle["entry"]]
    assert shown == [("3", "PUT"), ("2", "PUT"), ("1", "POST")]
    assert [e["response"]["etag"] for e in bundle["entry"]] == ['W/"3"', 'W/"2"', 'W/"1"']
    for entry in bundle["entry"]:
        version = entry["resource"]["meta"]["versionId"]
        address = f"/fhir/R4/Task/{referral.pk}/_history/{version}"
        assert _resource(gp_system.get(address)) == entry["resource"]


def test_a_history_comes_in_pages(gp_system: cast.ClinicalSystem, referral: Referral) -> None:
    first = _resource(gp_system.get(f"/fhir/R4/ServiceRequest/{referral.pk}/_history?_count=2"))
    following = next(one["url"] for one in first["link"] if one["relation"] == "next")

    rest = _resource(gp_system.get(following.partition("8000")[2] or following))

    versions = [e["resource"]["meta"]["versionId"] for e in first["entry"] + rest["entry"]]
    assert versions == ["3", "2", "1"]


def test_a_history_since_a_moment_holds_what_came_after(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    everything = _resource(gp_system.get("/fhir/R4/Task/_history?_since=2020-01-01"))
    nothing = _resource(gp_system.get("/fhir/R4/Task/_history?_since=2100-01-01"))
    own = _resource(gp_system.get(f"/fhir/R4/Task/{referral.pk}/_history?_since=2100-01-01"))

    assert (everything["total"], nothing["total"], own["total"]) == (3, 0, 0)


@pytest.mark.parametrize("kind", ["ServiceRequest", "Task"])
def test_anothers_history_is_no_history(
    other_gp_system: cast.ClinicalSystem, referral: Referral, kind: str
) -> None:
    assert issues(other_gp_system.get(f"/fhir/R4/{kind}/{referral.pk}/_history"), 404)
    assert _resource(other_gp_system.get(f"/fhir/R4/{kind}/_history"))["total"] == 0


@pytest.mark.parametrize("query", ["_count=x", "_since=yesterday", "status=active"])
def test_a_history_that_is_not_understood_is_refused(
    gp_system: cast.ClinicalSystem, query: str
) -> None:
    assert issues(gp_system.get(f"/fhir/R4/Task/_history?{query}"), 400)


def test_whoever_has_the_version_is_not_sent_it_again(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    address = f"/fhir/R4/Task/{referral.pk}"
    first = gp_system.get(address)

    same = gp_system.get(address, If_None_Match=first["ETag"])
    since = gp_system.get(address, If_Modified_Since=first["Last-Modified"])
    older = gp_system.get(address, If_None_Match='W/"2"')
    nonsense = gp_system.get(address, If_Modified_Since="yesterday")

    assert (same.status_code, same.content, same["ETag"]) == (304, b"", 'W/"3"')
    assert since.status_code == 304
    assert (older.status_code, nonsense.status_code) == (200, 200)


def test_head_answers_as_get_does_without_the_body(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    headers = {"Authorization": f"Bearer {gp_system.token}"}

    answer = gp_system.http.head(f"/fhir/R4/Task/{referral.pk}", headers=headers)

    assert (answer.status_code, answer.content, answer["ETag"]) == (200, b"", 'W/"3"')


@pytest.mark.parametrize(
    ("preference", "kind"),
    [("return=minimal", None), ("return=representation", "Patient"), ("", "Patient")],
)
def test_a_sender_gets_back_as_much_as_is_preferred(
    gp_system: cast.ClinicalSystem, person: Person, preference: str, kind: str | None
) -> None:
    [patient] = cast.referral_for(person)["contained"]

    answer = gp_system.post("/fhir/R4/Patient", patient, Prefer=preference)

    assert answer.status_code == 201
    assert answer["Location"]
    assert answer["ETag"] == 'W/"1"'
    assert (json.loads(answer.content)["resourceType"] if answer.content else None) == kind


def test_a_sender_may_prefer_to_hear_what_was_thought_of_it(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    [patient] = cast.referral_for(person)["contained"]

    outcome = _resource(
        gp_system.post("/fhir/R4/Patient", patient, Prefer="return=OperationOutcome"), 201
    )

    assert outcome["resourceType"] == "OperationOutcome"
    assert {issue["severity"] for issue in outcome["issue"]} <= {"information", "warning"}


def test_a_patient_is_brought_up_to_date(gp_system: cast.ClinicalSystem, person: Person) -> None:
    patient = _patient(gp_system, person)
    address = f"/fhir/R4/Patient/{patient['id']}"
    moved = patient | {"address": [{"use": "home", "postalCode": "E9 6BG"}]}

    answer = gp_system.put(address, moved, If_Match='W/"1"')

    updated = _resource(answer)
    assert (updated["meta"]["versionId"], answer["ETag"]) == ("2", 'W/"2"')
    assert updated["address"] == moved["address"]
    assert _resource(gp_system.get(f"{address}/_history/1")) == patient
    assert _resource(gp_system.get(f"{address}/_history"))["total"] == 2


def test_a_stale_update_is_refused_and_nothing_changes(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    patient = _patient(gp_system, person)
    address = f"/fhir/R4/Patient/{patient['id']}"
    gp_system.put(address, patient | {"language": "en"}, If_Match='W/"1"')

    for answer in (
        gp_system.put(address, patient, If_Match='W/"1"'),
        gp_system.patch(address, [], If_Match='W/"1"'),
    ):
        [issue] = issues(answer, 412)
        assert issue["code"] == "conflict"
    assert _resource(gp_system.get(address))["meta"]["versionId"] == "2"


@pytest.mark.parametrize("tag", ["1", "W/1", '"one"', "*"])
def test_an_if_match_that_is_no_etag_is_refused(
    gp_system: cast.ClinicalSystem, person: Person, tag: str
) -> None:
    patient = _patient(gp_system, person)

    answer = gp_system.put(f"/fhir/R4/Patient/{patient['id']}", patient, If_Match=tag)

    assert issues(answer, 400)


@pytest.mark.parametrize("change", [{"id": "another"}, {"id": None}])
def test_an_update_must_bear_the_id_of_its_address(
    gp_system: cast.ClinicalSystem, person: Person, change: dict[str, Any]
) -> None:
    patient = _patient(gp_system, person)
    sent = {name: value for name, value in (patient | change).items() if value is not None}

    assert issues(gp_system.put(f"/fhir/R4/Patient/{patient['id']}", sent), 400)


def test_nobody_updates_what_is_not_theirs(
    gp_system: cast.ClinicalSystem, other_gp_system: cast.ClinicalSystem, person: Person
) -> None:
    patient = _patient(gp_system, person)
    absent = "0190a000-0000-4000-8000-000000000000"

    foreign = other_gp_system.put(f"/fhir/R4/Patient/{patient['id']}", patient)
    nobody = other_gp_system.put(f"/fhir/R4/Patient/{absent}", patient | {"id": absent})

    assert issues(foreign, 404) == issues(nobody, 404)


def test_a_patch_changes_what_it_names(gp_system: cast.ClinicalSystem, person: Person) -> None:
    patient = _patient(gp_system, person)
    changes = [
        {"op": "test", "path": "/birthDate", "value": patient["birthDate"]},
        {"op": "replace", "path": "/telecom/0/value", "value": "07700 900001"},
    ]

    patched = _resource(gp_system.patch(f"/fhir/R4/Patient/{patient['id']}", changes))

    assert patched["telecom"][0]["value"] == "07700 900001"
    assert patched["meta"]["versionId"] == "2"
    assert patched["identifier"] == patient["identifier"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ([{"op": "test", "path": "/birthDate", "value": "1900-01-01"}], 409),
        ([{"op": "remove", "path": "/nothing"}], 422),
        ([{"op": "leap", "path": "/birthDate"}], 422),
        ([{"path": "/birthDate"}], 422),
        (["birthDate"], 422),
        ([{"op": "replace", "path": "", "value": 1}], 422),
        ([{"op": "remove", "path": ""}], 422),
        ([{"op": "replace", "path": "/resourceType", "value": "Group"}], 400),
        ([{"op": "replace", "path": "/id", "value": "another"}], 400),
        ([{"op": "replace", "path": "/gender", "value": "yes"}], 422),
        ([{"op": "add", "path": "/extension/99", "value": {}}], 422),
        ({"op": "test"}, 400),
    ],
)
def test_a_patch_that_cannot_be_applied_changes_nothing(
    gp_system: cast.ClinicalSystem, person: Person, changes: Any, status: int
) -> None:
    patient = _patient(gp_system, person)
    address = f"/fhir/R4/Patient/{patient['id']}"

    answer = gp_system.patch(address, changes)

    assert issues(answer, status)
    assert _resource(gp_system.get(address)) == patient


@pytest.mark.parametrize("media_type", ["application/json", "application/fhir+json", "text/plain"])
def test_a_patch_in_another_language_is_refused(
    gp_system: cast.ClinicalSystem, person: Person, media_type: str
) -> None:
    patient = _patient(gp_system, person)

    answer = gp_system.patch(f"/fhir/R4/Patient/{patient['id']}", [], Content_Type=media_type)

    [issue] = issues(answer, 415)
    assert "application/json-patch+json" in issue["diagnostics"]


@pytest.mark.parametrize("wanted", ["json", "application/json", "application/fhir%2Bjson"])
def test_a_format_can_be_asked_for_in_the_address(
    gp_system: cast.ClinicalSystem, referral: Referral, wanted: str
) -> None:
    address = f"/fhir/R4/Task/{referral.pk}?_format={wanted}"

    answer = gp_system.get(address, Accept="text/html")

    assert (answer.status_code, answer["Content-Type"]) == (200, cast.FHIR_JSON)


@pytest.mark.parametrize("wanted", ["xml", "application/fhir%2Bxml", "ttl", ""])
def test_a_format_that_is_not_spoken_is_refused(
    gp_system: cast.ClinicalSystem, referral: Referral, wanted: str
) -> None:
    assert issues(gp_system.get(f"/fhir/R4/Task/{referral.pk}?_format={wanted}"), 406)


def test_a_person_may_ask_for_lines(gp_system: cast.ClinicalSystem, referral: Referral) -> None:
    answer = gp_system.get(f"/fhir/R4/Task/{referral.pk}?_pretty=true")

    assert answer.content.startswith(b'{\n  "resourceType"')


def test_what_was_done_to_a_referral_is_told_with_who_and_when(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    bundle = _resource(gp_system.get(f"/fhir/R4/Provenance?target=Task/{referral.pk}"))

    assert bundle["total"] == 3
    first = bundle["entry"][-1]["resource"]
    assert first["agent"][0]["onBehalfOf"]["identifier"]["value"] == cast.PRACTICE
    assert first["target"][0]["reference"] == f"ServiceRequest/{referral.pk}/_history/1"
    assert _resource(gp_system.get(f"/fhir/R4/Provenance/{first['id']}")) == first


@pytest.mark.parametrize("name", ["1", "x-1", "-", "0190a000-0000-4000-8000-000000000000-1"])
def test_a_provenance_that_is_not_there_is_not_found(
    gp_system: cast.ClinicalSystem, referral: Referral, name: str
) -> None:
    assert issues(gp_system.get(f"/fhir/R4/Provenance/{name}"), 404)


def _copies(count: int) -> list[dict[str, Any]]:
    """Each copies all that was copied before."""
    return [
        {"op": "copy", "from": "/extension", "path": "/extension/0/extension"} for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ([{"op": "test", "path": "/id", "value": "x"}] * 101, 422),
        (
            [{"op": "add", "path": "/note", "value": [{"text": "x" * 200_000}]}]
            + [{"op": "copy", "from": "/note/0", "path": "/note/-"}] * 20,
            413,
        ),
        (
            [{"op": "add", "path": "/extension", "value": [{"url": "https://x.example"}]}]
            + _copies(60),
            400,
        ),
    ],
    ids=["many", "large", "deep"],
)
def test_a_patch_makes_nothing_that_could_not_have_been_sent(
    gp_system: cast.ClinicalSystem, referral: Referral, changes: Any, status: int
) -> None:
    address = f"/fhir/R4/ServiceRequest/{referral.pk}"
    before = gp_system.get(address).content

    assert issues(gp_system.patch(address, changes), status)
    assert gp_system.get(address).content == before


def test_a_patch_shows_what_is_there_and_so_needs_the_scope_to_read(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    writer = cast.clinical_system(gp_system.organisation, scope="system/ServiceRequest.u")

    assert issues(writer.patch(f"/fhir/R4/ServiceRequest/{referral.pk}", []), 403)


def test_what_was_read_and_sent_back_is_found_once(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    address = f"/fhir/R4/ServiceRequest/{referral.pk}"
    gp_system.put(address, _resource(gp_system.get(address)))

    found = _resource(gp_system.get(f"/fhir/R4/ServiceRequest?identifier={referral.reference}"))

    assert found["total"] == len(found["entry"]) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"modifierExtension": [{"url": "https://x.example/m", "valueBoolean": True}]},
        {"implicitRules": "https://x.example/rules"},
    ],
    ids=["modifier", "rules"],
)
def test_what_changes_the_meaning_and_is_not_understood_is_not_acted_on(
    gp_system: cast.ClinicalSystem, person: Person, more: dict[str, Any]
) -> None:
    sent = cast.referral_for(person)

    whole = issues(gp_system.post("/fhir/R4/ServiceRequest", sent | more), 422)
    inside = sent | {"contained": [sent["contained"][0] | more]}
    within = issues(gp_system.post("/fhir/R4/ServiceRequest", inside), 422)

    assert [issue["code"] for issue in whole] == ["extension"]
    assert within[0]["expression"] == [f"ServiceRequest.contained[0].{next(iter(more))}"]


def test_a_number_that_ends_is_not_texted(
    gp_system: cast.ClinicalSystem, person: Person, run_jobs: cast.RunJobs, messages: cast.Messages
) -> None:
    sent = cast.referral_for(person)
    patient = sent["contained"][0]
    ended = {"system": "phone", "value": "07700 900778", "period": {"end": "2020-01-01"}}
    good = {"system": "phone", "value": "07700 900123", "use": "home"}

    only = issues(_refer(gp_system, sent, patient | {"telecom": [ended]}), 422)
    _refer(gp_system, sent, patient | {"telecom": [ended | {"use": "mobile"}, good]})
    run_jobs()

    assert only[0]["expression"] == ["ServiceRequest.contained[0].telecom"]
    assert "900778" not in str(messages())


def _refer(system: cast.ClinicalSystem, sent: dict[str, Any], patient: dict[str, Any]) -> Any:
    return system.post("/fhir/R4/ServiceRequest", sent | {"contained": [patient]})


# Media types and methods


@pytest.mark.parametrize(
    ("media_type", "named"),
    [
        ("application/fhir+json; fhirVersion=3.0", "fhirVersion=4.0"),
        ("application/fhir+json;fhirversion=5.0;charset=utf-8", "fhirVersion=4.0"),
        ("application/fhir+json; charset=iso-8859-1", "UTF-8"),
        ('application/json; charset="utf-16"', "UTF-8"),
    ],
)
def test_a_body_of_another_version_or_charset_is_not_read(
    gp_system: cast.ClinicalSystem, person: Person, media_type: str, named: str
) -> None:
    """R4 http, Content Types and encodings: UTF-8 only; the MIME-type parameter fhirVersion."""
    answer = gp_system.post(
        "/fhir/R4/ServiceRequest", cast.referral_for(person), Content_Type=media_type
    )

    [issue] = issues(answer, 415)
    assert named in issue["diagnostics"]
    assert not Referral.objects.exists()


@pytest.mark.parametrize(
    "media_type",
    [
        "application/fhir+json; fhirVersion=4.0",
        'application/fhir+json; charset="UTF-8"; fhirVersion="4.0"',
    ],
)
def test_a_body_that_says_it_is_r4_in_utf_8_is_read(
    gp_system: cast.ClinicalSystem, person: Person, media_type: str
) -> None:
    answer = gp_system.post(
        "/fhir/R4/ServiceRequest", cast.referral_for(person), Content_Type=media_type
    )

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("application/fhir+json; fhirVersion=5.0, application/fhir+json; fhirVersion=4.0", 200),
        ("application/fhir+json; fhirVersion=5.0", 406),
        ("application/fhir+json; fhirVersion=3.0; q=0.9, */*; fhirVersion=1.0", 406),
        ("application/fhir+xml", 406),
    ],
)
def test_answers_are_r4_and_json_or_say_so(
    gp_system: cast.ClinicalSystem, referral: Referral, accept: str, status: int
) -> None:
    answer = gp_system.get(f"/fhir/R4/Task/{referral.pk}", Accept=accept)

    assert answer.status_code == status
    if status == 406:
        assert "application/fhir+json" in issues(answer, 406)[0]["diagnostics"]


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ("application/fhir%2Bjson; fhirVersion=4.0", 200),
        ("application/fhir+json; fhirVersion=4.0", 200),
        ("application/fhir%2Bjson; fhirVersion=5.0", 406),
    ],
)
def test_a_format_in_the_address_may_name_the_version(
    gp_system: cast.ClinicalSystem, referral: Referral, wanted: str, status: int
) -> None:
    answer = gp_system.get(f"/fhir/R4/Task/{referral.pk}?_format={wanted}")

    assert answer.status_code == status


def test_a_method_that_is_not_possible_is_told_which_are(
    gp_system: cast.ClinicalSystem, referral: Referral
) -> None:
    answer = gp_system.delete(f"/fhir/R4/Task/{referral.pk}")

    [issue] = issues(answer, 405)
    assert "Possible: GET, PUT, PATCH, HEAD, OPTIONS." in issue["diagnostics"]
    assert answer["Allow"] == "GET, PUT, PATCH, HEAD, OPTIONS"


# Ids and conflicts


@pytest.mark.parametrize("how", [str.upper, lambda pk: pk.replace("-", ""), "{{{}}}".format])
def test_an_id_is_found_as_it_is_written_and_not_otherwise(
    gp_system: cast.ClinicalSystem, referral: Referral, how: Any
) -> None:
    """R4 datatypes, id: ids are case-sensitive."""
    place, other = f"/fhir/R4/Task/{referral.pk}", f"/fhir/R4/Task/{how(str(referral.pk))}"
    task = _resource(gp_system.get(place))

    for address in (other, f"{other}/_history", f"{other}/_history/1"):
        assert issues(gp_system.get(address), 404)
    assert issues(gp_system.put(other, task | {"id": other.rpartition("/")[2]}), 404)
    assert issues(gp_system.get(f"{other}/$available-actions"), 404)


def test_a_reference_to_a_patient_is_case_sensitive(
    gp_system: cast.ClinicalSystem, referral: Referral, person: Person
) -> None:
    sent = cast.referral_for(person) | {
        "subject": {"reference": f"Patient/{str(referral.patient_id).upper()}"}
    }
    del sent["contained"]

    assert issues(gp_system.post("/fhir/R4/ServiceRequest", sent), 422)


def test_a_failed_test_of_a_patch_is_a_conflict(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    patient = _patient(gp_system, person)
    changes = [{"op": "test", "path": "/birthDate", "value": "1900-01-01"}]

    [issue] = issues(gp_system.patch(f"/fhir/R4/Patient/{patient['id']}", changes), 409)

    assert issue["code"] == "conflict"
    assert issue["details"]["coding"][0]["code"] == "REC_CONFLICT"


def test_a_senders_own_names_are_not_repeated_without_bounds(
    gp_system: cast.ClinicalSystem, person: Person
) -> None:
    asked = (f"/fhir/R4/{place}?{'n' * 300}%0A=1" for place in ("Task", "HealthcareService/$match"))
    nested: Any = {"n" * 60: 1}
    for _ in range(12):
        nested = {"extension": [nested | {"url": "https://gp.example/x"}]}
    sent = patient_resource(person) | nested | {"n" * 300: 1, "a\u202eb": 1}

    said = issues(gp_system.post("/fhir/R4/Patient", sent), 400)
    said += [issue for address in asked for issue in issues(gp_system.get(address), 400)]

    for place in (place for issue in said for place in issue.get("expression", [])):
        assert len(place) <= 200
        assert place.isprintable()
