"""Model fields that are encrypted in the row, and the keyed blind index that finds them."""

import base64
import hmac
import os
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from django.conf import settings
from django.db import models

_NONCE_BYTES = 12


def _derived(key: bytes, purpose: str) -> bytes:
    """One purpose, one key: a sub-key by HKDF (RFC 5869), so that no two uses share key material."""
    return HKDFExpand(algorithm=SHA256(), length=32, info=purpose.encode()).derive(key)


def _key_id(key: bytes) -> str:
    return sha256(b"key-id" + key).hexdigest()[:8]


def encrypt(plain: str) -> str:
    """AES-256-GCM under the newest key: ``<key id>.<base64 of nonce and ciphertext>``; "" stays ""."""
    if not plain:
        return ""
    key = settings.FIELD_KEYS[0]
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(_derived(key, "field")).encrypt(nonce, plain.encode(), None)
    return f"{_key_id(key)}.{base64.b64encode(sealed).decode()}"


def decrypt(stored: str) -> str:
    """What :func:`encrypt` was given; raises LookupError when its key is not among FIELD_KEYS."""
    if not stored:
        return ""
    key_id, _, body = stored.partition(".")
    for key in settings.FIELD_KEYS:
        if _key_id(key) == key_id:
            sealed = base64.b64decode(body)
            return (
                AESGCM(_derived(key, "field"))
                .decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None)
                .decode()
            )
    raise LookupError("The key of an encrypted field is not in FIELD_KEYS.")


def keyed_hash(value: str, *, purpose: str) -> str:
    """HMAC-SHA256 in hex under the index key: equal values of one purpose are equal, nothing else shows."""
    return hmac.new(_derived(settings.INDEX_KEY, purpose), value.encode(), sha256).hexdigest()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # not subscriptable at run time
    """Text that the database never sees in clear. Not searchable: keep a keyed hash beside it to find rows."""

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else encrypt(str(value))

    def from_db_value(
        self, value: str | None, _expression: object, _connection: object
    ) -> str | None:
        return None if value is None else decrypt(value)


def derived_code(identifier: str, *, purpose: str) -> str:
    """A 160-bit code in 32 letters and digits (base32), made from the row's id: it needs storing nowhere."""
    digest = hmac.new(_derived(settings.INDEX_KEY, purpose), identifier.encode(), sha256).digest()
    return base64.b32encode(digest[:20]).decode().lower()
