"""All settings, read from the environment. Safe by default: no debug, no default secret."""

import os
from pathlib import Path

from csp.constants import NONE, SELF

from config import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

env.read_dotenv(BASE_DIR / ".env")
if "SECRET_KEY" not in os.environ:
    env.read_dotenv(VAR_DIR / "dev.env")  # what `make run` made, for commands typed next to it

# Secrets and addresses
SECRET_KEY = env.text("SECRET_KEY")
FIELD_KEYS = env.keys("FIELD_KEYS")
PUBLIC_BASE_URL = env.base_url("PUBLIC_BASE_URL", "http://127.0.0.1:8000")
IS_HTTPS = PUBLIC_BASE_URL.startswith("https://")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "127.0.0.1,localhost")
BEHIND_PROXY = env.flag("BEHIND_PROXY")  # what it says of protocol and sender is believed
DEBUG = env.flag("DEBUG")
TOLERATE_WRONG_CHECK_DIGITS = env.flag("TOLERATE_WRONG_CHECK_DIGITS")  # of NHS numbers in test data
DEMO = env.flag("DEMO")  # fictional people and unchecked listings; every page says so

# The domain's ports
MESSENGER = env.text("MESSENGER", "integrations.messaging.file.FileMessenger")
KEY_FETCHER = "integrations.outbound.keys.GuardedKeyFetcher"
MESSAGES_FOLDER = env.text("MESSAGES_FOLDER", str(VAR_DIR / "messages"))
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "peer-support@localhost")
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
EMAIL_TIMEOUT = 10
EMAIL_FILE_PATH = env.text("EMAIL_FILE_PATH", str(VAR_DIR / "mail"))  # for the file back end

# Database
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'peer.sqlite3'}")}
AUTH_USER_MODEL = "accounts.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# The ends of the audit chain, written down where no database administrator can reach them
AUDIT_HEADS_FILE = env.text("AUDIT_HEADS_FILE", str(VAR_DIR / "audit-heads.jsonl"))

# What may be lost: the counts of requests
CACHES = {"default": env.cache("CACHE_URL")}

# Background work: the broker carries wake-ups only
CELERY_BROKER_URL = env.broker("CELERY_BROKER_URL", "filesystem://localhost/")
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker waits for its broker however long it is away
CELERY_TASK_DEFAULT_QUEUE = env.text("CELERY_TASK_DEFAULT_QUEUE", "peer-referrals")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_POOL = "threads"  # the loss of one child process would stop the others without a word
CELERY_WORKER_CONCURRENCY = 2
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # nobody steers a worker through the broker
CELERY_TIMEZONE = "Europe/London"
CELERY_BEAT_SCHEDULE = {
    "look-for-due-jobs": {"task": "jobs.work", "schedule": 2.0, "options": {"expires": 2.0}},
    "sweep-referrals": {
        "task": "referrals.sweep",
        "schedule": 300.0,
        "options": {"expires": 300.0},
    },
    "sweep-subscriptions": {
        "task": "subscriptions.sweep",
        "schedule": 300.0,
        "options": {"expires": 300.0},
    },
    "sweep-exports": {"task": "exports.sweep", "schedule": 300.0, "options": {"expires": 300.0}},
    "forget-done-jobs": {"task": "jobs.forget", "schedule": 3600.0, "options": {"expires": 3600.0}},
    "seal-audit": {"task": "audit.seal", "schedule": 5.0, "options": {"expires": 30.0}},
    "seal-late-audit": {"task": "audit.seal", "schedule": 3600.0, "kwargs": {"looks_at_all": True}},
}
CELERY_BEAT_SCHEDULE_FILENAME = env.text("BEAT_SCHEDULE_FILE", str(VAR_DIR / "beat-schedule"))
# One short try: an answer to a sender must not wait for a broker that is away.
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object] = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
}
if CELERY_BROKER_URL.startswith("filesystem"):
    CELERY_BROKER_TRANSPORT = "jobs.broker:Transport"
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        "folder": env.text("BROKER_FOLDER", str(VAR_DIR / "broker")),
        "polling_interval": 0.1,
    }
if CELERY_BROKER_URL.startswith("redis"):
    # Without these kombu gives an unacknowledged wake-up back only after an hour.
    CELERY_BROKER_TRANSPORT_OPTIONS |= {
        "visibility_timeout": 60,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        # Without these a Redis that hangs would keep every sender waiting for ever.
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
    }

# Applications
INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # web.admin has the one site, which finds nothing by itself
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "rest_framework",
    "drf_spectacular",
    "config",
    "api",
    "web",
    "integrations.fhir.subscriptions",
    "integrations.fhir.exports",
    "engagement",
    "referrals",
    "communities",
    "accounts",
    "audit",
    "jobs",
]
MIDDLEWARE = [
    "api.metrics.RequestCounts",
    "config.headers.SafeHeaders",
    "api.middleware.MachineGate",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "web.context.site",
            ],
        },
    },
]

# Language, time, static files
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English")]
LOCALE_PATHS = [BASE_DIR / "web" / "locale"]
TIME_ZONE = "Europe/London"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_FOLDER", str(VAR_DIR / "static")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MANIFEST_STRICT = False  # a page without its style is better than no page

# Signing in: people with an e-mail address and a password, by invitation only; a second factor where they set one
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "web.sign_in.ClosedAccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # nobody makes us write to people who have no account
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_LOGOUT_ON_GET = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/commissioner/"
ACCOUNT_LOGOUT_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_AGE = 12 * 60 * 60

# What browsers are told
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": browsers then send "Origin: null" with forms, which the CSRF check refuses.
# Links that lead away carry rel="noreferrer".
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = IS_HTTPS
# Probes and the scraper ask the process itself, past the proxy that speaks HTTPS.
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
CSRF_TRUSTED_ORIGINS = [PUBLIC_BASE_URL]
CSRF_FAILURE_VIEW = "web.errors.form_out_of_date"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "img-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# Machines
LARGEST_BODY = 1_048_576
DATA_UPLOAD_MAX_MEMORY_SIZE = LARGEST_BODY
# How many in a minute (accounts.throttling.Limit). Far above what one sender needs, far below what would hurt others.
RATE_LIMITS = {
    "client": 3000,  # requests of one clinical system, for one organisation
    "token": 600,  # of one network: a supplier may fetch the tokens of many practices from one place
    "nobody": 300,  # requests of one network without a good token
    "events": 600,  # webhooks of one network
    "patient": 60,  # typed codes and dates of birth of one network, which phones share by the thousand
    "key-set": 30,  # readings of one client's key set while none is fresh
    "unknown-key": 1,  # readings of one client's key set because a key was named that it does not hold
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["api.permissions.Nobody"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["api.renderers.JsonRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.errors.answer_to",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}
VERSION = "0.1.0"
SPECTACULAR_SETTINGS = {
    "TITLE": "Peer Referrals",
    "DESCRIPTION": "Peer-support referrals from clinical systems to moderated communities, and what becomes of them.",
    "VERSION": VERSION,
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": True,
    "PREPROCESSING_HOOKS": ["api.fhir.schema.with_operations"],
}

METRICS_TOKEN = env.text("METRICS_TOKEN", "")  # without one only this machine may ask for /metrics

# Logs: one line of JSON each, to standard error
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "celery": {"level": "WARNING"},
    },
}
