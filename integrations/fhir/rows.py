"""What rendering needs of the domain's rows; any object with these attributes will do."""

from datetime import datetime
from typing import Protocol
from uuid import UUID


class Practice(Protocol):
    """The organisation that sent the referral."""

    @property
    def ods_code(self) -> str | None: ...
    @property
    def name(self) -> str: ...


class Referral(Protocol):
    """A referral as it was received."""

    @property
    def pk(self) -> UUID: ...
    @property
    def document(self) -> str: ...
    @property
    def reference(self) -> str: ...
    @property
    def patient_id(self) -> UUID: ...
    @property
    def practice(self) -> Practice: ...
    @property
    def received_at(self) -> datetime: ...


class Change(Protocol):
    """One version of a referral's state, in FHIR's own codes."""

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
