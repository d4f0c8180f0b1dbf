"""Who competes: the product, the naive control, and the product with a pool of database connections."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
from joserfc.jwk import ECKey

from benchmarks.processes import Web
from benchmarks.sender import Sender
from config.fictional import people
from scripts.journey import SCOPE
from scripts.outsiders import ClinicalSystem
from scripts.processes import manage
from scripts.servers import PostgresCluster
from scripts.stack import Stack

SETTINGS = {"DJANGO_SETTINGS_MODULE": "benchmarks.settings"}
_NAIVE = "naive"
_CROWD = people(seed=20)  # one for all: nobody is referred twice


@contextmanager
def product(stack: Stack) -> Iterator[Sender]:
    """As it is served in production, with a clinical system that signs in."""
    with Web("config.wsgi", stack.environment, stack.folder) as web:
        yield Sender("product", web, _CROWD, _system(stack, web))


@contextmanager
def pooled(stack: Stack, *, size: int) -> Iterator[Sender]:
    """One process with 64 threads and a pool of so many connections to the database."""
    environment = {**stack.environment, "BENCH_POOL": str(size)}
    serving = "benchmarks.crowd"
    with Web("config.wsgi", environment, stack.folder, serving=serving) as web:
        yield Sender(f"pool of {size}", web, _CROWD, _system(stack, web))


@contextmanager
def naive(stack: Stack, cluster: PostgresCluster) -> Iterator[Sender]:
    """The control, in a database of its own of the same server."""
    address = urlsplit(cluster.address)._replace(path=f"/{_NAIVE}").geturl()
    with psycopg.connect(cluster.address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_NAIVE}")
    environment = {
        **stack.environment,
        "DJANGO_SETTINGS_MODULE": "benchmarks.naive.settings",
        "DATABASE_URL": address,
    }
    manage("migrate", "--run-syncdb", "--verbosity", "0", environment=environment)
    with Web("benchmarks.naive.wsgi", environment, stack.folder) as web:
        yield Sender(_NAIVE, web, _CROWD)


def _system(stack: Stack, web: Web) -> ClinicalSystem:
    """The demonstration's clinical system, asking this server."""
    key = json.loads((stack.folder / "logins-client-key.json").read_text(encoding="utf-8"))
    return ClinicalSystem(
        web.base_url,
        client_id=stack.logins["client_id"],
        key=ECKey.import_key(key),
        scope=SCOPE,
    )
