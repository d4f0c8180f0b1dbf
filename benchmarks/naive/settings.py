"""The settings of the control: nothing that is not needed."""

from config import env

SECRET_KEY = "not a secret"  # noqa: S105  (it signs nothing)
ALLOWED_HOSTS = ["*"]
DATABASES = {"default": env.database("DATABASE_URL", "")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["rest_framework", "benchmarks.naive"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "benchmarks.naive.urls"
USE_TZ = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["benchmarks.naive.formats.FhirParser"],
    "DEFAULT_RENDERER_CLASSES": ["benchmarks.naive.formats.FhirRenderer"],
    "UNAUTHENTICATED_USER": None,
}
