"""A client of the token endpoint with a key of each kind."""

import pytest
from django.utils import timezone
from joserfc.jwk import ECKey, RSAKey

from accounts.models import Client
from accounts.registering import register_client
from tests import cast
from tests.api.token.assertions import SCOPE


@pytest.fixture(scope="session")
def rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "rsa-1"}, private=True)


@pytest.fixture(scope="session")
def ec_key() -> ECKey:
    return ECKey.generate_key("P-384", {"kid": "ec-1"}, private=True)


@pytest.fixture
def client(gp_system: cast.ClinicalSystem, rsa_key: RSAKey, ec_key: ECKey) -> Client:
    """A client with a key of each kind."""
    return register_client(
        name="System with two keys",
        ods_code=gp_system.organisation.ods_code or "",
        jwks={"keys": [rsa_key.as_dict(private=False), ec_key.as_dict(private=False)]},
        scope=SCOPE,
        at=timezone.now(),
    )
