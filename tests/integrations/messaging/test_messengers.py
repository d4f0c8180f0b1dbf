"""Each messenger against the same script: what it takes, what it refuses, what it puts off."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from django.core import mail
from pytest_django import Settings

from integrations.messaging.file import FileMessenger
from integrations.messaging.smtp import SmtpMessenger
from referrals.ports import MessageRefused, MessengerUnavailable, Outgoing

LETTER = Outgoing(
    reference="0190a000-0000-4000-8000-000000000000",
    referral="2222-3333",
    channel="email",
    to="alex@patient.example",
    subject="A suggestion from Example Street Surgery",
    body="Example Street Surgery has a suggestion for you: https://peer.example/r/abc",
)


def _folder(settings: Settings) -> Path:
    return Path(settings.MESSAGES_FOLDER)


def test_a_message_becomes_one_file_with_all_that_a_carrier_needs(settings: Settings) -> None:
    FileMessenger().hand_over(LETTER)

    [file] = _folder(settings).iterdir()
    assert file.name == f"{LETTER.reference}.json"
    assert json.loads(file.read_text()) == {
        "to": LETTER.to,
        "channel": "email",
        "subject": LETTER.subject,
        "body": LETTER.body,
        "referral": LETTER.referral,
    }


def test_the_same_message_handed_over_again_is_still_one_file(settings: Settings) -> None:
    FileMessenger().hand_over(LETTER)
    FileMessenger().hand_over(LETTER)

    assert len(list(_folder(settings).iterdir())) == 1


def test_a_folder_that_cannot_be_written_puts_the_message_off(settings: Settings) -> None:
    _folder(settings).write_text("a file where the folder should be")

    with pytest.raises(MessengerUnavailable):
        FileMessenger().hand_over(LETTER)


def test_an_email_is_sent_once_and_known_by_its_reference(settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "Peer support <peer@surgery.example>"

    SmtpMessenger().hand_over(LETTER)

    [sent] = mail.outbox
    assert (sent.to, sent.subject, sent.body) == ([LETTER.to], LETTER.subject, LETTER.body)
    assert sent.from_email == "Peer support <peer@surgery.example>"
    assert sent.extra_headers["Message-ID"] == f"<{LETTER.reference}@surgery.example>"


@pytest.mark.parametrize("channel", ["sms", "letter"])
def test_an_email_server_refuses_what_it_cannot_carry(channel: str) -> None:
    with pytest.raises(MessageRefused):
        SmtpMessenger().hand_over(replace(LETTER, channel=channel))

    assert mail.outbox == []


def test_a_line_break_in_a_subject_cannot_add_a_header() -> None:
    with pytest.raises(MessageRefused):
        SmtpMessenger().hand_over(replace(LETTER, subject="Hello\nBcc: all@example.org"))


def test_an_email_server_that_is_away_puts_the_message_off(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody answers there
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", taken.getsockname()[1]

        with pytest.raises(MessengerUnavailable):
            SmtpMessenger().hand_over(LETTER)
