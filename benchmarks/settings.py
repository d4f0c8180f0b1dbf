"""The product's settings for a benchmark: nobody is told to slow down, and on wish a database pool of so many."""

import os

from config.settings import *  # noqa: F403, TID251  (these are the settings)
from config.settings import DATABASES, RATE_LIMITS  # noqa: TID251

RATE_LIMITS = dict.fromkeys(RATE_LIMITS, 10**9)

if size := int(os.environ.get("BENCH_POOL", "0")):
    DATABASES["default"]["CONN_MAX_AGE"] = 0  # Django refuses a pool of connections that stay
    DATABASES["default"]["OPTIONS"]["pool"] = {"min_size": size, "max_size": size}
