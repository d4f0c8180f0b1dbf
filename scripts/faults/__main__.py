"""``make faults``: the long form. 5,000 referrals; exits 1 naming every row that is not as it should be."""

import argparse
import signal
import sys

from scripts.faults.fire import Fire, Plan
from scripts.servers import missing


def main() -> int:
    """Burn and tell."""
    parser = argparse.ArgumentParser(prog="python -m scripts.faults", description=__doc__)
    parser.add_argument("--referrals", type=int, default=5000)
    parser.add_argument("--pace", type=float, default=20.0, help="referrals a second at most")
    chosen = parser.parse_args()
    if lack := missing():
        sys.stderr.write(f"{lack}\n")
        return 1
    # Whoever ends it ends the product and the servers with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    plan = Plan(
        referrals=chosen.referrals, pace=chosen.pace, kill_every=5.0, restarts=3, broker_away=10.0
    )
    outcome = Fire(plan).burn()
    sys.stdout.write(f"{outcome.table}\n")
    for fault in outcome.faults:
        sys.stdout.write(f"FAULT: {fault}\n")
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
