"""SMART scopes: each letter must be registered, and nothing is granted that was not asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import scopes

LETTERS = "cruds"
SOME_LETTERS = st.sets(st.sampled_from(LETTERS), min_size=1).map(
    lambda chosen: "".join(letter for letter in LETTERS if letter in chosen)
)
TYPES = st.sampled_from(["ServiceRequest", "Patient", "Task", "*"])
SCOPES = st.builds("system/{}.{}".format, TYPES, SOME_LETTERS)


@pytest.mark.parametrize(
    ("scope", "is_right"),
    [
        ("system/ServiceRequest.crs", True),
        ("system/*.r", True),
        ("system/Patient.cruds", True),
        ("system/Patient.", False),
        ("system/Patient.sr", False),
        ("system/Patient.rr", False),
        ("system/Patient.read", False),
        ("system/patient.r", False),
        ("system/Patient.r\n", False),
        ("system/Patient.r?x=y", False),
        ("patient/Patient.r", False),
        ("", False),
    ],
)
def test_a_scope_is_written_in_one_way(scope: str, *, is_right: bool) -> None:
    assert scopes.is_well_formed(scope) == is_right


@given(asked=st.lists(SCOPES), registered=st.frozensets(SCOPES))
def test_nothing_is_granted_beyond_the_registration(
    asked: list[str], registered: frozenset[str]
) -> None:
    granted = frozenset(scopes.grantable(asked, registered=registered))

    for scope in granted:
        assert scopes.is_well_formed(scope)
        kind, _, letters = scope.partition(".")
        assert any(
            kind == other.partition(".")[0] and set(letters) <= set(other.partition(".")[2])
            for other in asked
        )
    for name in ("ServiceRequest", "Patient", "Task", "Observation"):
        for letter in LETTERS:
            if scopes.is_granted(granted, resource_type=name, interaction=letter):
                assert scopes.is_granted(registered, resource_type=name, interaction=letter)


@given(registered=st.lists(SCOPES, min_size=1, unique=True))
def test_what_is_registered_is_granted_as_it_stands(registered: list[str]) -> None:
    assert scopes.grantable(registered, registered=frozenset(registered)) == registered
