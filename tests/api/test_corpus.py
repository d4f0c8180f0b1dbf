"""Every published ServiceRequest, Patient and Bundle is taken or refused in good order by the real endpoints."""

from collections import Counter

import pytest

from scripts.fhir_corpus import EXAMPLES, Verdict, referrals, table, verdicts
from tests import cast
from tests.api.answers import row_counts

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not EXAMPLES.exists(), reason="../shared/fhir-examples is absent"),
]


def test_every_published_example_gets_an_answer_in_good_order(
    gp_system: cast.ClinicalSystem,
) -> None:
    gp_system.sign_in()
    before = row_counts()

    found = list(verdicts(gp_system))

    assert len(found) > 60
    assert [verdict for verdict in found if not verdict.is_in_good_order] == []
    for verdict in found:
        if verdict.file.endswith(".xml"):
            assert verdict.status == 415
        elif verdict.status >= 400:
            assert verdict.expression.startswith(verdict.resource_type), verdict
            assert verdict.sentence.endswith("."), verdict
    taken = Counter(verdict.resource_type for verdict in found if verdict.status < 400)
    # The Bundle is a batch of nothing but reads: it is answered entry by entry.
    assert taken == {"Patient": 7, "Bundle": 1}
    more = {table: n - before[table] for table, n in row_counts().items() if n != before[table]}
    expected = {"referrals_patient": 7, "referrals_patientversion": 7, "audit_entry": 7}
    assert more == expected, "what is refused writes nothing"


def test_every_sound_service_request_goes_in_as_a_referral_and_comes_back_unchanged(
    gp_system: cast.ClinicalSystem,
) -> None:
    found = list(referrals(gp_system))

    assert len(found) > 10
    assert [verdict for verdict in found if verdict.status != 201 or verdict.changed] == []


def test_the_table_has_a_line_for_each() -> None:
    rows = [
        Verdict("r4", "a.json", "Patient", 201),
        Verdict("r4", "longer.json", "Patient", 400, "value", "Patient.id", "Too long."),
        Verdict("r4", "c.json", "Patient", 500),
    ]

    assert table(rows).splitlines() == [
        "r4       a.json      201",
        "r4       longer.json 400  value Patient.id Too long.",
        "r4       c.json      500",
    ]
    assert [row.is_in_good_order for row in rows] == [True, True, False]
