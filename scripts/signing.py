"""How a clinical system proves who it is: a key pair, its public half as a JWK Set, a signed assertion."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

ALGORITHM = "ES384"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE = timedelta(minutes=4)


def new_key() -> ECKey:
    """A fresh P-384 key with an id."""
    return ECKey.generate_key("P-384", {"kid": uuid4().hex, "alg": ALGORITHM}, private=True)


def public_keys(key: ECKey | RSAKey) -> dict[str, Any]:
    """The JWK Set to register: the public half only."""
    return {"keys": [key.as_dict(private=False)]}


def signed_assertion(key: ECKey | RSAKey, *, client_id: str, audience: str, at: datetime) -> str:
    """A SMART Backend Services assertion for ``audience``, the address of the token endpoint."""
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "exp": int((at + _LIFE).timestamp()),
        "jti": uuid4().hex,
    }
    algorithm = str(key.alg)
    return jwt.encode({"alg": algorithm, "kid": key.kid}, claims, key, algorithms=[algorithm])
