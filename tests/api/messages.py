"""BaRS messages as a practice's system sends them, for the tests of $process-message."""

from typing import Any
from uuid import uuid4

from django.conf import settings

from config.fictional import Person, patient_resource, referral_resource
from tests import cast

Resource = dict[str, Any]
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
_CODES = "https://fhir.nhs.uk/CodeSystem"


class Message:
    """A message with its parts at hand, to be changed before it is sent as ``bundle``."""

    def __init__(self, person: Person) -> None:
        self.urls = {name: uuid4().urn for name in ("header", *_PARTS)}
        self.header = self._header()
        self.patient = patient_resource(person)
        self.request = self._request()
        self.plan = {
            "resourceType": "CarePlan",
            "status": "completed",
            "intent": "plan",
            "subject": self.to("patient"),
        }
        self.encounter = {
            "resourceType": "Encounter",
            "status": "triaged",
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
                "code": "AMB",
            },
            "subject": self.to("patient"),
        }
        self.doctor = {"resourceType": "Practitioner", "name": [{"family": "Sample"}]}
        self.practice: Resource = {
            "resourceType": "Organization",
            "name": "The practice",
            "identifier": [{"system": ODS, "value": cast.PRACTICE}],
        }
        self.id = str(uuid4())
        self.meta: Resource = {"versionId": "1.0.0"}

    @property
    def bundle(self) -> Resource:
        """The whole message."""
        parts = ("header", *_PARTS)
        return {
            "resourceType": "Bundle",
            "id": self.id,
            "meta": self.meta,
            "type": "message",
            "entry": [
                {"fullUrl": self.urls[name], "resource": getattr(self, name)} for name in parts
            ],
        }

    def to(self, name: str) -> Resource:
        """A reference to a part."""
        return {"reference": self.urls[name]}

    def set_workflow(self, event: str, reason: str, status: str) -> None:
        """Say what the message wants."""
        self.header["eventCoding"]["code"] = event
        self.header["reason"]["coding"][0]["code"] = reason
        self.request["status"] = status

    def _header(self) -> Resource:
        return {
            "resourceType": "MessageHeader",
            "eventCoding": {
                "system": f"{_CODES}/message-events-bars",
                "code": "servicerequest-request",
            },
            "destination": [{"endpoint": "https://fhir.nhs.uk/id/dos-service-id|1"}],
            "sender": self.to("practice"),
            "source": {"endpoint": "https://fhir.nhs.uk/id/dos-service-id|2"},
            "reason": {"coding": [{"system": f"{_CODES}/message-reason-bars", "code": "new"}]},
            "focus": [self.to("request")],
        }

    def _request(self) -> Resource:
        referral = referral_resource(
            base_url=settings.PUBLIC_BASE_URL, identifier=uuid4().hex, subject=self.to("patient")
        )
        category = {"system": f"{_CODES}/message-category-servicerequest", "code": "referral"}
        return referral | {
            "intent": "plan",
            "category": [{"coding": [category]}],
            "basedOn": [self.to("plan")],
            "encounter": self.to("encounter"),
            "requester": self.to("doctor"),
        }


_PARTS = ("request", "patient", "plan", "encounter", "doctor", "practice")


def cancelling(person: Person, referral_id: str, status: str = "revoked") -> Message:
    """A message that takes a referral back, which it names by our id."""
    message = Message(person)
    message.set_workflow("servicerequest-request", "update", status)
    del message.request["code"], message.request["identifier"]
    message.request |= {"id": referral_id, "reasonCode": [{"text": "Chose another way."}]}
    return message
