"""What rendering needs of the domain's rows; any object with these attributes will do."""

from datetime import datetime
from typing import Protocol
from uuid import UUID


class Practice(Protocol):
    """The organisation that sent the referral."""

    @property
    def pk(self) -> UUID: ...
    @property
    def ods_code(self) -> str | None: ...
    @property
    def name(self) -> str: ...


class Document(Protocol):
    """A resource as JSON text, word for word as it was received."""

    @property
    def text(self) -> str: ...


class Referral(Protocol):
    """A referral, whatever its version."""

    @property
    def pk(self) -> UUID: ...
    @property
    def reference(self) -> str: ...
    @property
    def patient_id(self) -> UUID: ...
    @property
    def practice(self) -> Practice: ...
    @property
    def received_at(self) -> datetime: ...


class Change(Protocol):
    """One version of a referral: its state in FHIR's own codes, and the documents that it shows."""

    @property
    def request_document(self) -> Document: ...
    @property
    def task_document(self) -> Document | None: ...

    @property
    def version(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def status(self) -> str: ...
    @property
    def task_status(self) -> str: ...
    @property
    def business_status(self) -> str: ...
    @property
    def reason_text(self) -> str: ...


class Step(Change, Protocol):
    """A version together with the referral that it is of and with whoever made it."""

    @property
    def referral_id(self) -> UUID: ...
    @property
    def referral(self) -> Referral: ...
    @property
    def by(self) -> str: ...


class PracticeTask(Protocol):
    """Something that the practice is asked to do about a referral."""

    @property
    def pk(self) -> UUID: ...
    @property
    def kind(self) -> str: ...
    @property
    def sentence(self) -> str: ...
    @property
    def raised_at(self) -> datetime: ...


class Patient(Protocol):
    """A patient as last received."""

    @property
    def pk(self) -> UUID: ...
    @property
    def document(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def updated_at(self) -> datetime: ...
