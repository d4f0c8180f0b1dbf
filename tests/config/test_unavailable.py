"""When the database is locked or away: everybody is told to come back, wherever it shows first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import Mock
from uuid import uuid4

import pytest
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.exceptions import BadRequest
from django.core.handlers.exception import convert_exception_to_response
from django.db import IntegrityError, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from config.fictional import Person
from tests import cast
from tests.api.answers import Answer, errors, issues

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[OperationalError, InterfaceError])
def error(request: pytest.FixtureRequest) -> type[Exception]:
    """What Django raises when the database is locked or away."""
    raised: type[Exception] = request.param
    return raised


@contextmanager
def away(error: type[Exception], *, writing_to: str = "") -> Iterator[None]:
    """No statement that contains the text comes through."""

    def refuse(execute: object, sql: str, *more: object) -> object:
        if writing_to in sql:
            raise error("database is locked")
        return execute(sql, *more)  # type: ignore[operator]

    with connection.execute_wrapper(refuse):
        yield


def shown(browser: Client) -> Client:
    """The same client, to which faults are shown as a server shows them."""
    browser.raise_request_exception = False
    return browser


def answer_of(view: Callable[[HttpRequest], Any], request: HttpRequest) -> HttpResponse:
    """What Django makes of what a view or a middleware answers or raises."""
    answer = convert_exception_to_response(view)(request)
    assert isinstance(answer, HttpResponse)
    return answer


def assert_come_back(answer: HttpResponse | Answer) -> None:
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert b"locked" not in answer.content


def test_a_clinical_system_is_told_in_fhir(
    gp_system: cast.ClinicalSystem, person: Person, error: type[Exception]
) -> None:
    shown(gp_system.http)
    gp_system.sign_in()
    with away(error):  # so the token cannot be looked up
        before_the_view = gp_system.get(f"/fhir/R4/Patient/{uuid4()}")
    with away(error, writing_to="INSERT"):
        in_the_view = gp_system.refer(person)

    for answer in (before_the_view, in_the_view):
        assert_come_back(answer)
        [issue] = issues(answer, 503)
        assert issue["code"] == "transient"
        assert issue["details"]["coding"][0]["code"] == "REC_SERVICE_UNAVAILABLE"
    assert gp_system.refer(person).status_code == 201


def test_other_machines_are_told_in_json(community: cast.Community, error: type[Exception]) -> None:
    shown(community.http)

    with away(error):
        answer = community.report(cast.activity("psn_unknown"))

    assert_come_back(answer)
    assert errors(answer, 503)[0]["code"] == "transient"


def test_a_session_that_cannot_be_read_is_no_fault_of_ours(
    commissioner: Client, error: type[Exception]
) -> None:
    shown(commissioner)

    with away(error):
        page, figures = commissioner.get("/commissioner/"), commissioner.get("/api/measures/funnel")

    assert_come_back(page)
    assert page["Content-Type"].startswith("text/html")
    assert_come_back(figures)
    assert errors(figures, 503)


def test_a_session_that_cannot_be_written_is_no_bad_request(
    commissioner: Client, error: type[Exception]
) -> None:
    def view(request: HttpRequest) -> HttpResponse:
        request.session["seen"] = "now"
        return HttpResponse()

    request = RequestFactory().get("/commissioner/")
    request.COOKIES = {name: morsel.value for name, morsel in commissioner.cookies.items()}

    with away(error, writing_to="UPDATE"):
        answer = answer_of(SessionMiddleware(view), request)

    assert_come_back(answer)


def test_other_faults_stay_what_they_are() -> None:
    answers = []
    for fault in (ValueError(), IntegrityError(), BadRequest()):
        answers.append(answer_of(Mock(side_effect=fault), RequestFactory().get("/")))

    assert [answer.status_code for answer in answers] == [500, 500, 400]
    assert not any("Retry-After" in answer for answer in answers)
