"""``manage.py load_demo``: a small believable demonstration of fictional people, and the log-ins to look at it."""

import json
import secrets
from argparse import ArgumentParser
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from joserfc.jwk import ECKey

from accounts import scopes
from accounts.actors import member_actor
from accounts.models import (
    Client,
    HostKey,
    Membership,
    Organisation,
    OrganisationKind,
    Role,
    User,
)
from accounts.registering import make_host_key, register_client
from communities.editing import propose_revision
from communities.loading import load_reference
from communities.models import Community, Condition, Revision
from config import demo
from config.celery import app
from jobs.running import work
from privacy.tenancy import EVERYBODY, reaching

ICB = "QMF"  # NHS North East London
# Eight of its practices. The names are real, as all organisations here are; the referrals are not.
PRACTICES = ("F84003", "F84004", "F84006", "F84008", "F84009", "F84010", "F84012", "F84013")
COMMUNITY = "f001"  # fictional; its host is the one that reports
REFERRALS = 200
SEED = 2026
FRESH_SEED = 7
PEOPLE = {
    "commissioner": "commissioner@nel.example",
    "coordinator": "coordinator@peer-network.example",
    "clinical_reviewer": "clinical.reviewer@operator.example",
    "lived_experience_reviewer": "lived.experience@operator.example",
    "operator": "operator@operator.example",
}
OPERATOR = "Example Operator (fictional)"
SYSTEM = "Demonstration system"
_LOGINS = settings.VAR_DIR / "dev-logins.json"


class Command(BaseCommand):
    """Loads the demonstration. Running it again changes nothing and prints the same log-ins."""

    help = "Loads a small believable demonstration of fictional people. Needs DEMO=1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """How much, and where the log-ins are kept."""
        parser.add_argument("--no-past", action="store_true", help="no referrals, only log-ins")
        parser.add_argument(
            "--logins",
            type=Path,
            default=_LOGINS,
            metavar="FILE",
            help=f"where passwords and keys are kept (default: {_LOGINS})",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Load what is not there yet, then print."""
        if not settings.DEMO:
            raise CommandError(
                "load_demo makes up people and lists communities that nobody has checked, so it only runs where"
                " DEMO=1 is set. Never set that where real patients are served."
            )
        # What is loaded here is worked through here: wake-ups by the hundred would only keep the workers busy.
        app.conf.broker_url = "memory://localhost/"
        path: Path = options["logins"]
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        key = _client_key(path.with_name(f"{path.stem}-client-key.json"))
        with reaching(EVERYBODY):
            logins = _load(kept, key, has_past=not options["no_past"])
        _write_private(path, logins)
        while work(most=500):
            pass
        for name, value in logins.items():
            self.stdout.write(f"{name:24} {value}")


def _load(kept: dict[str, str], key: ECKey, *, has_past: bool) -> dict[str, str]:
    at = timezone.now()
    if not Condition.objects.exists():
        load_reference(at=at)
    if not Community.objects.filter(key=COMMUNITY).exists():
        demo.load_directories(at=at)
    people = _make_people(kept)
    _propose(at=at)
    clients = [_client(ods_code, key) for ods_code in PRACTICES]
    host_key = _host_key()
    logins = {
        **people,
        "client_id": str(clients[0].pk),
        "host_events_path": f"/api/events/{host_key.pk}",
        "host_secret": host_key.secret,
    }
    if has_past:
        if not clients[0].referrals.exists():
            demo.live_through_past(clients=clients, referrals=REFERRALS, seed=SEED, at=at)
        fresh = demo.fresh_invitation(client=clients[0], seed=FRESH_SEED, at=at)
        logins |= {"patient_path": fresh.path, "patient_birth_date": f"{fresh.birth_date:%d %m %Y}"}
    return logins


def _make_people(kept: Mapping[str, str]) -> dict[str, str]:
    """One person of each role, and the one with the run of the admin; each keeps the password that is kept."""
    host = Community.objects.select_related("host").get(key=COMMUNITY).host
    operator, _is_new = Organisation.objects.get_or_create(
        kind=OrganisationKind.OPERATOR, name=OPERATOR
    )
    roles = {
        "commissioner": (Role.COMMISSIONER, Organisation.objects.get(ods_code=ICB)),
        "coordinator": (Role.COMMUNITY_COORDINATOR, host),
        "clinical_reviewer": (Role.CLINICAL_REVIEWER, operator),
        "lived_experience_reviewer": (Role.LIVED_EXPERIENCE_REVIEWER, operator),
    }
    logins: dict[str, str] = {}
    for name, email in PEOPLE.items():
        password = kept.get(f"{name}_password") or secrets.token_urlsafe(12)
        user = _make_person(email, password, is_operator=name == "operator")
        if name in roles:
            role, organisation = roles[name]
            Membership.objects.get_or_create(user=user, organisation=organisation, role=role)
        logins |= {f"{name}_email": email, f"{name}_password": password}
    return logins


def _propose(*, at: datetime) -> None:
    """Something for the reviewers to look at: the host of the community that reports changes another one of its own."""
    coordinator = User.objects.get(email=PEOPLE["coordinator"])
    host = Community.objects.select_related("host").get(key=COMMUNITY).host
    if Revision.objects.filter(community__host=host).exists():
        return
    community = Community.objects.filter(host=host).exclude(key=COMMUNITY).order_by("key")[0]
    propose_revision(
        community_id=community.pk,
        facts={"can_look_first": not community.can_look_first},
        by=member_actor(coordinator, organisation=host),
        at=at,
    )


def _make_person(email: str, password: str, *, is_operator: bool) -> User:
    user = User.objects.filter(email=email).first() or User.objects.create_user(
        email, is_staff=is_operator, is_superuser=is_operator
    )
    if not user.check_password(password):
        user.set_password(password)
        user.save(update_fields=["password"])
    return user


def _client_key(path: Path) -> ECKey:
    """The private key that the demonstration's clinical system signs in with, made once."""
    if path.exists():
        return ECKey.import_key(json.loads(path.read_text(encoding="utf-8")))
    key = ECKey.generate_key("P-384", {"kid": "demo", "alg": "ES384"}, private=True)
    _write_private(path, key.as_dict(private=True))
    return key


def _client(ods_code: str, key: ECKey) -> Client:
    """The demonstration's clinical system in one practice."""
    public = {"keys": [key.as_dict(private=False)]}
    client = Client.objects.filter(name=SYSTEM, organisation__ods_code=ods_code).first()
    if client is None:
        return register_client(
            name=SYSTEM, ods_code=ods_code, jwks=public, scope=scopes.DEFAULT, at=timezone.now()
        )
    if client.jwks != public:
        client.jwks = public
        client.save(update_fields=["jwks"])
    return client


def _host_key() -> HostKey:
    host = Community.objects.select_related("host").get(key=COMMUNITY).host
    return host.host_keys.filter(is_active=True).first() or make_host_key(
        host=host, at=timezone.now()
    )


def _write_private(path: Path, content: Mapping[str, Any]) -> None:
    """Readable for the owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
