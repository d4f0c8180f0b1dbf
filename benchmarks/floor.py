"""The floor beneath a transaction: the rows of a referral written by pgbench, without any program around them."""

import re
import shutil
import subprocess
from pathlib import Path

import psycopg

_HERE = Path(__file__).resolve().parent
_RATE = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


def is_there() -> bool:
    """Whether there is a pgbench to measure it with."""
    return shutil.which("pgbench") is not None


def prepare(address: str) -> None:
    """Make its tables in this database."""
    with psycopg.connect(address) as connection:
        connection.execute((_HERE / "floor_tables.sql").read_bytes())


def rate(address: str, *, connections: int, seconds: float) -> float:
    """Transactions per second."""
    command = [
        "pgbench",
        "--no-vacuum",
        "--protocol",
        "prepared",
        "--file",
        str(_HERE / "floor.sql"),
    ]
    command += ["--client", str(connections), "--jobs", "2", "--time", str(max(int(seconds), 1))]
    done = subprocess.run(  # noqa: S603  (our own command)
        [*command, address], capture_output=True, text=True, check=True
    )
    found = _RATE.search(done.stdout)
    if not found:
        raise RuntimeError(f"pgbench printed no rate:\n{done.stdout}")
    return float(found[1])
