"""All settings, read from the environment once, each with a default that is safe on a laptop.

With an empty environment everything is in one folder (`var/`), in one process and on loopback: SQLite, in-memory
channel layer and Celery broker, simulated venues. `DATABASE_URL` and `REDIS_URL` turn it into the service form.
Production (`COURTSIDE_ENV=production`) refuses to start with a generated secret or with DEBUG on.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from core.environment import Environment
from core.keys import load_or_create_secret
from core.logs import configure_logging

env = Environment()
BASE_DIR = Path(__file__).resolve().parent.parent
Environment.read_env(BASE_DIR / ".env")

IS_PRODUCTION = env.one_of("COURTSIDE_ENV", ("local", "production"), default="local") == "production"
DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = BASE_DIR / env.str("COURTSIDE_DATA_DIR", default="var")
try:
    DATA_DIR.mkdir(parents=True, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"COURTSIDE_DATA_DIR={DATA_DIR} cannot be used ({error.strerror}).") from error

SECRET_KEY = env.str("SECRET_KEY", default="")
if IS_PRODUCTION and (DEBUG or len(SECRET_KEY) < 50):
    raise ImproperlyConfigured("In production set SECRET_KEY to 50 or more random characters and leave DEBUG off.")
SECRET_KEY = SECRET_KEY or load_or_create_secret(DATA_DIR / "secret.key")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# --- trading ---------------------------------------------------------------------------------------------------------

TRADING_MODE = env.one_of("TRADING_MODE", ("simulated", "paper", "live"), default="simulated")
PAPER_OPENING_USD = env.int("PAPER_OPENING_USD", default=10_000)
PAPER_LATENCY_MS = env.int("PAPER_LATENCY_MS", default=50)
PAPER_DATA = env.one_of("PAPER_DATA", ("production", "simulated"), default="production")
LIVE_TRADING_ALLOWED = env.bool("LIVE_TRADING_ALLOWED", default=False)
BUILD = env.str("COURTSIDE_BUILD", default="0.1.0")
ALLOWED_BUILDS = env.list("ALLOWED_BUILDS", default=[])
SIMULATOR_HOST = env.str("SIMULATOR_HOST", default="127.0.0.1")
FENCE_CONTRACTS_PER_WINDOW = env.int("FENCE_CONTRACTS_PER_WINDOW", default=0)
SIMULATOR_PORT = env.int("SIMULATOR_PORT", default=8900)
CREDENTIALS_KEY = env.str("CREDENTIALS_KEY", default="")
CREDENTIALS_KEY_FILE = DATA_DIR / "credentials.key"
if IS_PRODUCTION and not CREDENTIALS_KEY:
    raise ImproperlyConfigured("In production set CREDENTIALS_KEY (32 random bytes, base64): it protects venue keys.")

# The parts `manage.py run` starts, in order, and what it asks before: dotted names, so that core imports no app.
EMBEDDED_PARTS = [
    "core.embedded.simulators.SimulatorPart",
    "core.embedded.celery_parts.WorkerPart",
    "core.embedded.celery_parts.BeatPart",
    "trading.engine.embedded.TraderPart",
    "trading.engine.embedded.GuardPart",
]
EMBEDDED_LOGIN = "accounts.demo.ensure_demo_login"
EMBEDDED_TAPE_CHECK = "core.embedded.simulators.require_playable_tape"

# --- apps ------------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "daphne",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_htmx",
    "django_structlog",
    "csp",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.headless",
    "core",
    "audit",
    "accounts",
    "notifications",
    "markets",
    "risk",
    "trading",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.security.PageHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "core.context.trading_mode",
            ]
        },
    }
]

# --- database, cache, channels, celery -------------------------------------------------------------------------------

DATABASES = {"default": env.database("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'courtside.sqlite3'}")}
DATABASES["default"]["ATOMIC_REQUESTS"] = False
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA recursive_triggers=ON;"
        ),
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    options = DATABASES["default"].setdefault("OPTIONS", {})  # what the URL asks for (sslmode and the like) stays
    options.setdefault("application_name", "courtside")
    # The statements of the order path (core.pipeline) are prepared at their first use and planned once, for any values;
    # 0 where a pooler cannot keep them.
    if prepare_after := env.int("DATABASE_PREPARE_AFTER", 1):
        options["prepare_threshold"] = prepare_after
        # A process that was stopped in a transaction lets its locks go before its lease (15 s) runs out.
        options.setdefault(
            "options", "-c plan_cache_mode=force_generic_plan -c idle_in_transaction_session_timeout=10000"
        )
    if env.bool("DATABASE_POOL", default=False):
        options["pool"] = {"min_size": 1, "max_size": env.int("DATABASE_POOL_SIZE", 10)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL", default="")
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 1
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, int | float | None]
DJANGO_CELERY_BEAT_TZ_AWARE = True
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            # redis-py 8 gives sockets a 5 s timeout, which ends idle consumers (channels_redis#422).
            "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
        }
    }
    CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_timeout": None}
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1000}}}
    CELERY_BROKER_URL = "memory://localhost/"
    CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.02}

# --- people ----------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
HEADLESS_ONLY = True
HEADLESS_TOKEN_STRATEGY = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"
HEADLESS_JWT_ALGORITHM = "HS256"
HEADLESS_JWT_PRIVATE_KEY = SECRET_KEY
HEADLESS_JWT_ACCESS_TOKEN_EXPIRES_IN = env.int("JWT_ACCESS_SECONDS", default=900)
HEADLESS_JWT_REFRESH_TOKEN_EXPIRES_IN = env.int("JWT_REFRESH_SECONDS", default=86_400)
HEADLESS_JWT_STATEFUL_VALIDATION_ENABLED = True
HEADLESS_JWT_ROTATE_REFRESH_TOKEN = True
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_FORM_FIELD = "username"  # what Django calls it in `authenticate`, although the name is an e-mail
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "accounts.lockout.locked_out"
# X-Forwarded-For is believed only when a deployment says that its own proxy sets it.
AXES_IPWARE_META_PRECEDENCE_ORDER = env.list("CLIENT_IP_HEADERS", default=["REMOTE_ADDR"])

# --- API -------------------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "rest_framework.throttling.UserRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.str("THROTTLE_ANON", default="60/min"),
        "user": env.str("THROTTLE_USER", default="1200/min"),
        "auth": env.str("THROTTLE_AUTH", default="20/min"),
    },
    "DEFAULT_PAGINATION_CLASS": "core.api.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.exception_handler",
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Courtside",
    "DESCRIPTION": "Games, markets, orders, positions and the trader of one user. Amounts are decimal strings in USD.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {"OutcomeEnum": [("yes", "yes"), ("no", "no")]},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- pages and safety ------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"] if (BASE_DIR / "static").is_dir() else []
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = DEBUG
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_PRODUCTION
if IS_PRODUCTION:
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SILENCED_SYSTEM_CHECKS = ["security.W021"]  # the browsers' preload list binds a whole domain: its owner's choice
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False

LOGGING_CONFIG = None
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
configure_logging(
    level=env.one_of("LOG_LEVEL", LOG_LEVELS, default="INFO"), as_json=env.bool("LOG_JSON", default=IS_PRODUCTION)
)
DJANGO_STRUCTLOG_CELERY_ENABLED = False
UNFOLD = {"SITE_TITLE": "Courtside back office", "SITE_HEADER": "Courtside"}
