"""How 64 threads of one process serve, for the benchmark of the database pool. Each name is a setting of gunicorn."""

from config.serving import *  # noqa: F403  (as the product serves, but for what follows)

workers = 1  # a pool belongs to one process
threads = 64
preload_app = False  # a pool opened before the fork would be nobody's
