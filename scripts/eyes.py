"""``make eyes``: the fast tests on SQLite, other people's checkers over what they saw, other people's clients."""

import sys
import tempfile

from scripts.suite import Part, independent_eyes, run, watched


def main() -> int:
    """What ``make test`` does for them, and nothing else of it; exit 1 on any failure."""
    with tempfile.TemporaryDirectory() as bodies:
        clients = Part("Clients", "journey", ["tests/eyes"], {"DATABASE_URL": ""})
        seen = watched("SQLite", database="", bodies=bodies)
        return run([seen, independent_eyes(bodies), clients], missing=[])


if __name__ == "__main__":
    sys.exit(main())
