"""``make demo``: the product's main job, walked through on a product of its own. Exits 1 naming the step that fails."""

import sys
import time

from scripts.journey import Journey, JourneyFailed
from scripts.processes import CommandFailed, ProcessEnded
from scripts.stack import Stack


def main() -> int:
    """Start, walk, and say how it went."""
    began = time.monotonic()
    print("Starting web, worker and scheduler with an empty SQLite file …", flush=True)
    stack = Stack()
    try:
        with stack:
            ready = time.monotonic()
            print(f"Ready at {stack.base_url} after {ready - began:.1f} seconds.\n", flush=True)
            Journey(stack, say=lambda line: print(f"  ✓ {line}", flush=True)).walk()
            walked = time.monotonic() - ready
    except JourneyFailed as failure:
        print(f"\nFAILED at: {failure.step}\n  expected {failure.expected}\n  got {failure.got}")
    except (CommandFailed, ProcessEnded, TimeoutError) as error:
        print(f"\nFAILED: {error}")
    else:
        total = time.monotonic() - began
        print(f"\nAll of it worked: {walked:.1f} seconds for the journey, {total:.1f} in all.")
        return 0
    print(f"The logs are in {stack.folder}.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
