"""Fields that the database never sees in clear, and the hashes that find them."""

import base64
import os

import pytest
from cryptography.exceptions import InvalidTag
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from accounts.models import HostKey, Organisation
from privacy.fields import decrypt, derived_code, encrypt, keyed_hash

# What PostgreSQL and JSON can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(TEXTS)
def test_what_was_encrypted_comes_back(plain: str) -> None:
    assert decrypt(encrypt(plain)) == plain


@given(TEXTS.filter(bool))
def test_equal_texts_look_different(plain: str) -> None:
    assert encrypt(plain) != encrypt(plain)


def test_the_text_is_not_in_what_is_stored() -> None:
    assert "canary" not in encrypt("canary")
    assert base64.b64encode(b"canary").decode()[:6] not in encrypt("canary")


def test_nothing_stays_nothing() -> None:
    assert encrypt("") == ""
    assert decrypt("") == ""


@pytest.mark.parametrize("place", [-30, -10, -3])
def test_a_stored_text_that_was_changed_is_not_read(place: int) -> None:
    stored = encrypt("a text that is long enough")
    other = "A" if stored[place] != "A" else "B"

    with pytest.raises(InvalidTag):
        decrypt(stored[:place] + other + stored[place + 1 :])


def test_after_a_new_key_old_texts_are_read_and_new_ones_use_it(settings: Settings) -> None:
    old = encrypt("old")
    settings.FIELD_KEYS = [os.urandom(32), *settings.FIELD_KEYS]

    new = encrypt("new")

    assert (decrypt(old), decrypt(new)) == ("old", "new")
    assert old.partition(".")[0] != new.partition(".")[0]


def test_without_its_key_a_text_is_not_read(settings: Settings) -> None:
    stored = encrypt("x")
    settings.FIELD_KEYS = [os.urandom(32)]

    with pytest.raises(LookupError):
        decrypt(stored)


def test_a_hash_finds_equal_values_of_one_purpose_only(settings: Settings) -> None:
    found = keyed_hash("9990000018", purpose="nhs-number")

    assert found == keyed_hash("9990000018", purpose="nhs-number")
    assert len(found) == 64
    assert found != keyed_hash("9990000018", purpose="link-hash")
    assert found != keyed_hash("9990000026", purpose="nhs-number")
    settings.INDEX_KEY = os.urandom(32)
    assert found != keyed_hash("9990000018", purpose="nhs-number")


def test_a_code_is_made_from_an_id_and_cannot_be_guessed_from_it(settings: Settings) -> None:
    code = derived_code("7", purpose="link-code")

    assert code == derived_code("7", purpose="link-code")
    assert len(code) == 32
    assert set(code) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert code != derived_code("8", purpose="link-code")
    settings.INDEX_KEY = os.urandom(32)
    assert code != derived_code("7", purpose="link-code")


@pytest.mark.django_db
def test_the_column_holds_no_clear_text() -> None:
    host = Organisation.objects.create(kind="host", name="x")
    key = HostKey.objects.create(
        organisation=host, secret="canary", registered_at="2026-01-01T00:00Z"
    )

    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM accounts_hostkey")
        [(stored,)] = cursor.fetchall()

    assert "canary" not in stored
    assert decrypt(stored) == "canary"
    key.refresh_from_db()
    assert key.secret == "canary"
    # A random nonce each time: the column cannot be searched, nor two rows compared.
    assert not HostKey.objects.filter(secret="canary").exists()
