"""Marked patients through every flow on real processes: where is one of their marks left in the clear?

``python -m benchmarks.no_trace --patients 1000``. Exits 1 when there is one.
"""

import argparse
import sys
import time

from scripts.marked import MarkedWalk
from scripts.stack import Stack

_SHOWN = 20


def main() -> int:
    """Walk, look, say how it was."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--patients", type=int, default=1000)
    wanted = reader.parse_args()
    began = time.monotonic()
    with Stack(settings={"BEHIND_PROXY": "1"}) as stack:
        walk = MarkedWalk(stack, patients=wanted.patients)
        walk.run()
        traces, talkative = walk.traces(), walk.talkative_messages()
    faults = sum(number for status, number in walk.statuses.items() if status >= 500)
    sys.stdout.write(
        f"{wanted.patients} marked patients, {sum(walk.statuses.values())} requests {dict(sorted(walk.statuses.items()))},"
        f" {faults} of them faults: {len(traces)} marks in the clear, {len(talkative)} messages that say too much;"
        f" {time.monotonic() - began:.0f} s\n"
    )
    for line in [*traces, *talkative][:_SHOWN]:
        sys.stdout.write(f"- {line}\n")
    return 1 if traces or talkative or faults else 0


if __name__ == "__main__":
    sys.exit(main())
