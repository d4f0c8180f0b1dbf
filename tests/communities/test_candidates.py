"""Communities found in the database and read as the rules see them."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Organisation
from communities.candidates import candidates, candidates_of_condition
from communities.matching.candidate import Candidate, Circle
from communities.matching.need import Need
from communities.matching.ranking import rank
from communities.models import Area, Capacity, Community
from tests import cast
from tests.communities.test_matching_rules import NEED

pytestmark = pytest.mark.django_db

FORUM = "Example Steady Days (fictional)"


@pytest.fixture
def forum() -> Community:
    """A community that suits NEED, with no place of its own."""
    community = Community.objects.get(name=FORUM)
    community.areas.clear()
    return community


def found(need: Need = NEED) -> Candidate | None:
    return next((c for c in candidates(need, on=timezone.localdate()) if c.name == FORUM), None)


def is_offered(need: Need = NEED) -> bool:
    ranking = rank(need, candidates(need, on=timezone.localdate()))
    return FORUM in [offer.name for offer in ranking.offers]


def test_what_has_no_area_is_not_offered(forum: Community) -> None:
    assert not is_offered()


@pytest.mark.parametrize("place", ["nation:UK", "nation:England", "icb:QMF", "lad:E09000025"])
def test_an_area_holds_whoever_lives_in_it(forum: Community, place: str) -> None:
    forum.areas.add(Area.objects.get(place=place))

    assert is_offered()


def test_an_area_holds_nobody_else(forum: Community) -> None:
    forum.areas.add(Area.objects.get(place="nation:Scotland"), Area.objects.get(place="icb:QE1"))

    assert found() is None


@pytest.mark.parametrize(("km", "is_inside"), [(8, False), (10, True)])
def test_a_circle_holds_whoever_lives_in_it(forum: Community, km: int, *, is_inside: bool) -> None:
    """At 51.53 degrees north, 0.133 degrees of longitude are 9.2 km."""
    Community.objects.filter(pk=forum.pk).update(
        centre_latitude=51.53, centre_longitude=-0.093, radius_km=km
    )

    assert is_offered() is is_inside
    assert not is_offered(replace(NEED, latitude=None, longitude=None))


def test_the_box_that_the_database_looks_in_leaves_out_nobody_inside_the_circle(
    forum: Community,
) -> None:
    dice = Random(7)  # noqa: S311  (not a secret)
    for _ in range(60):
        centre, km = (dice.uniform(50, 60.8), dice.uniform(-7, 2)), dice.randint(1, 300)
        home = replace(NEED, latitude=dice.uniform(50, 60.8), longitude=dice.uniform(-7, 2))
        Community.objects.filter(pk=forum.pk).update(
            centre_latitude=centre[0], centre_longitude=centre[1], radius_km=km
        )

        is_inside = Circle(*centre, km).holds(home.latitude, home.longitude)
        assert is_offered(home) is is_inside


def test_patients_of_a_practice_that_has_commissioned_it_are_served(forum: Community) -> None:
    forum.practices.add(Organisation.objects.get(ods_code=cast.PRACTICE))

    assert is_offered()
    assert not is_offered(replace(NEED, practice_ods="X99999"))
    assert not is_offered(replace(NEED, practice_ods=""))


def test_what_is_full_is_not_offered_and_a_stale_word_of_it_counts_no_more(
    forum: Community,
) -> None:
    today = timezone.localdate()
    forum.areas.add(Area.objects.get(place="nation:UK"))
    stated = Capacity.objects.create(
        community=forum,
        total=5,
        used=5,
        stated_on=today - timedelta(days=9),
        fresh_until=today,
        stated_by="host",
    )
    full = [each.capacity for each in candidates(NEED, on=today) if each.name == FORUM]
    assert full == ["no-capacity"]
    assert not is_offered()

    stated.fresh_until = today - timedelta(days=1)
    stated.save()

    assert is_offered()


def test_hours_access_and_stages_are_read_from_what_the_host_states(forum: Community) -> None:
    forum.areas.add(Area.objects.get(place="nation:UK"))
    Community.objects.filter(pk=forum.pk).update(
        cover="daily",
        moderator_hours=[[day, "20:00", "03:00"] for day in range(1, 8)],
        accessibility=["captions", "tea"],
        data_need="low",
        readiness=["action"],
        can_look_first=True,
        staffed_by="both",
    )

    [one] = [each for each in candidates(NEED, on=timezone.localdate()) if each.name == FORUM]

    assert one.covered_hours == {"nights", "evenings"}
    assert one.meets == {"captions", "low_data"}
    assert one.stages == {"action"}
    assert (one.can_look_first, one.staffed_by) == (True, "both")


def test_of_unknown_age_nobody_is_looked_for() -> None:
    assert candidates(replace(NEED, age=None), on=timezone.localdate()) == []


def test_why_not_is_said_of_every_community_for_the_condition_and_of_no_other() -> None:
    today = timezone.localdate()
    keys = NEED.exact_keys | NEED.general_keys

    judged = candidates_of_condition(NEED, on=today)

    wanted = Community.objects.listed_on(today).filter(conditions__in=keys).distinct()
    assert len(judged) == wanted.count() > len(candidates(NEED, on=today))


def test_how_many_questions_are_asked_does_not_grow_with_the_directory(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(5):
        assert candidates(NEED, on=timezone.localdate())
