"""Settings of a Linli server: one file, and every difference between machines comes from the environment."""

import gc
import os
import re
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from whitenoise.compress import Compressor

from config.mail import mailers

# Python looks for cycles after every 2,000 objects that are new and stay. A start makes half a million, and a request some thousands.
gc.set_threshold(50_000, 20, 20)

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
# Set to nothing is not set: so docker-compose.yml can pass on every setting, whether or not it has a value.
env.ENVIRON = {name: value for name, value in os.environ.items() if value}

# development | test | production. Production is the default, so that what is missing is loud.
ENVIRONMENT = env.str("LINLI_ENV", default="production")
if ENVIRONMENT not in {"development", "test", "production"}:
    sys.exit(f"LINLI_ENV is {ENVIRONMENT!r}; it must be development, test or production.")
PRODUCTION = ENVIRONMENT == "production"
DEBUG = False
LOCAL_DIR = Path(env.str("LINLI_LOCAL_DIR", default=str(BASE_DIR / ".local")))


# Everything that is missing is named at once: the operator should not learn of one after the other.
REQUIRED = {"DATABASE_URL": "postgres://user:password@host/database", "REDIS_URL": "redis://host/0"}
if PRODUCTION:
    REQUIRED |= {
        "SECRET_KEY": "32 characters or more, drawn at random",
        "AUDIT_KEY": "32 characters or more, drawn at random, and never changed",
        "ALLOWED_HOSTS": "the names under which this server is reached, such as linli.example",
        "TRUSTED_PROXIES": "how many proxies of your own stand in front, such as 1",
        "SITE_URL": "the address under which people reach this server, such as https://linli.example",
    }
if missing := [f"  {name}: {words}" for name, words in REQUIRED.items() if name not in env.ENVIRON]:
    sys.exit(
        f"Linli cannot start ({ENVIRONMENT}); set these environment variables, which docs/operations.md explains:\n"
        + "\n".join(missing)
    )


def number(name: str, default: int) -> int:
    """The whole number `name`, or `default` where it is not set."""
    try:
        return int(env.int(name, default=default))
    except ValueError:
        sys.exit(f"{name} is {env.str(name)!r}; it must be a whole number.")


SECRET_LENGTH = 32


def secret(name: str) -> str:
    """The secret `name`: required in production, and long; a fixed and worthless value elsewhere."""
    if not PRODUCTION:
        return env.str(name, default=f"{name.lower()}-of-a-machine-without-secrets")
    value = env.str(name)
    if len(value) < SECRET_LENGTH:
        sys.exit(
            f"{name} has {len(value)} characters; production needs {SECRET_LENGTH} or more, drawn at random: "
            'python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    return value


SECRET_KEY = secret("SECRET_KEY")
AUDIT_KEY = secret("AUDIT_KEY").encode()
ALLOWED_HOSTS = (
    env.list("ALLOWED_HOSTS")
    if PRODUCTION
    else env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
)
if not ALLOWED_HOSTS:
    sys.exit("ALLOWED_HOSTS names no host: give the names under which this server is reached.")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CSRF_FAILURE_VIEW = "web.pages.csrf_failure"
# How many proxies of our own stand in front, each adding one entry to X-Forwarded-For; 0 believes none of it. Nothing fits
# every production: a guess too low counts all callers as one, a guess too high believes what they say themselves.
TRUSTED_PROXIES = number("TRUSTED_PROXIES", 0)
if TRUSTED_PROXIES < 0:
    sys.exit("TRUSTED_PROXIES is a number of proxies: 0 or more.")
# Where the proxies write the caller's address. WSGI reads X_Forwarded_For as X-Forwarded-For, so a proxy must drop names with
# underscores (nginx does), or write the address under a name that has neither sign and therefore one spelling only.
CLIENT_ADDRESS_HEADER = env.str("CLIENT_ADDRESS_HEADER", default="X-Forwarded-For")
if not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", CLIENT_ADDRESS_HEADER):
    sys.exit("CLIENT_ADDRESS_HEADER is the name of a header, such as X-Forwarded-For or ClientAddress.")
# Links in messages begin with the public address. In production no guess is right, and people follow them over TLS alone.
SITE_URL = (env.str("SITE_URL") if PRODUCTION else env.str("SITE_URL", default="http://127.0.0.1:8000")).rstrip("/")
if PRODUCTION and not re.fullmatch(r"https://[^\s/?#]+(/[^\s?#]+)?", SITE_URL):
    sys.exit(
        "SITE_URL is no public address: give the one under which people reach this server, such as https://linli.example."
    )

_OWN_APPS = ["web", "workflow", "notifications", "community", "casework", "tickets", "console"]
INSTALLED_APPS = [
    "config.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    # Before allauth's, whose templates ours replace.
    *_OWN_APPS,
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.dingtalk",
    "allauth.socialaccount.providers.feishu",
    "console.signin.wecom",
]

MIDDLEWARE = [
    "web.caching.keep_nothing",
    "web.compression.Compression",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "console.signin.idle.end_idle_sessions",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "web.options.Options",
    "web.parameters.Parameters",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# PostgreSQL only, and 18 or later. The timeouts keep one stuck transaction from holding the street.
try:
    DATABASES = {"default": env.db_url("DATABASE_URL")}
except ValueError:
    # It holds a password and is not repeated.
    sys.exit("DATABASE_URL cannot be read; it is written postgres://user:password@host:5432/database.")
if DATABASES["default"].get("ENGINE") != "django.db.backends.postgresql":
    sys.exit("DATABASE_URL must name a PostgreSQL database (postgres://…).")
DATABASES["default"]["ENGINE"] = "config.postgresql"
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# Parameters travel apart from the statement, and what a connection sends often is planned once: a filing spends a third of
# PostgreSQL's time on planning otherwise. Behind a pooler that changes servers between transactions, switch it off.
DATABASES["default"]["OPTIONS"]["server_side_binding"] = True
if env.bool("LINLI_PREPARED_STATEMENTS", default=True):
    DATABASES["default"]["OPTIONS"]["prepare_threshold"] = 3
DATABASES["default"]["OPTIONS"]["options"] = (
    "-c lock_timeout=3s -c statement_timeout=30s -c idle_in_transaction_session_timeout=60s"
)
if env.bool("LINLI_DATABASE_POOL", default=False):
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": number("LINLI_DATABASE_POOL_SIZE", 4),
        "timeout": 5,
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = None
    # With a pool, asking before every request would cost each of them a round trip; config.postgresql says what happens there.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "community.Person"
# Whose seats need a second factor: those of the street's office and sections, all staff's, or nobody's. Whoever needs one and
# signs in without it is a resident (community/credentials.py).
SECOND_FACTOR_FOR = env.str("SECOND_FACTOR_FOR", default="street" if PRODUCTION else "nobody")
if SECOND_FACTOR_FOR not in {"street", "staff", "nobody"}:
    sys.exit(f"SECOND_FACTOR_FOR is {SECOND_FACTOR_FOR!r}; it must be street, staff or nobody.")
# Minutes without doing anything in the console or the admin after which a browser is signed out there and in the API.
IDLE_MINUTES = number("IDLE_MINUTES", 240)
if IDLE_MINUTES < 1:
    sys.exit("IDLE_MINUTES is a number of minutes: 1 or more.")
# Staff sign in at /console/signin/, to the console and to the admin alike. It is allauth's, with its limits; docs/signin.md.
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "console"
ACCOUNT_ADAPTER = "console.signin.adapter.StaffAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = ACCOUNT_USER_MODEL_EMAIL_FIELD = None
ACCOUNT_LOGIN_METHODS = {"phone"}
# Nobody signs up (console/signin/adapter.py); allauth looks here to learn that people have a phone and a password.
ACCOUNT_SIGNUP_FIELDS = ["phone*", "password1"]
# Nobody has an e-mail at allauth. Its tables are made without the uniqueness that it would want of one.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_UNIQUE_EMAIL = False
ACCOUNT_FORMS = {"confirm_login_code": "console.signin.forms.ConfirmCodeForm"}
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 300
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
# The operators' gateways refuse more codes to one phone than these. All of a street's offices may share one address, and sign in
# when the working day begins; wrong passwords keep allauth's own limits.
ACCOUNT_RATE_LIMITS = {"request_login_code": "60/m/ip,1/m/key,5/h/key,10/d/key", "login": "120/m/ip"}
MFA_RATE_LIMITS = {"webauthn_login": "60/m/ip"}
# Signed in until the browser forgets the cookie, two weeks after; who does nothing is signed out earlier.
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "console.signin.adapter.SecondFactorAdapter"
MFA_FORMS = {"add_webauthn": "console.signin.forms.AddPasskeyForm"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_ISSUER = "Linli"
# A phone's clock may be half a minute off.
MFA_TOTP_TOLERANCE = 1
# Without TLS browsers offer passkeys on localhost alone.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
# What a provider sends people back to begins with it.
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PRODUCTION else "http"
SOCIALACCOUNT_ADAPTER = "console.signin.providers.ProviderAdapter"


def provider(name: str, given: dict[str, str], settings: dict[str, str], *, pkce: bool = False) -> dict[str, object]:
    """What allauth wants to know of an identity provider, whose client and secret come first in `given`; nothing where it is not set up."""
    if not any(given.values()):
        return {}
    if missing := [one for one, value in given.items() if not value]:
        sys.exit(f"Signing in by {name} is half set up; set {', '.join(missing)}, too, or none of it.")
    client, secret, *_ = given.values()
    label = env.str("OIDC_NAME", default="OpenID Connect") if name == "oidc" else name
    app = {"client_id": client, "secret": secret, "provider_id": name, "name": label, "settings": settings}
    return {"APPS": [app], "OAUTH_PKCE_ENABLED": pkce}


# Identity providers by which staff may sign in after they have connected their account there (docs/signin.md).
OIDC = {
    "OIDC_CLIENT_ID": env.str("OIDC_CLIENT_ID", default=""),
    "OIDC_CLIENT_SECRET": env.str("OIDC_CLIENT_SECRET", default=""),
    "OIDC_SERVER": env.str("OIDC_SERVER", default=""),
}
WECOM = {
    "WECOM_CORP_ID": env.str("WECOM_CORP_ID", default=""),
    "WECOM_SECRET": env.str("WECOM_SECRET", default=""),
    "WECOM_AGENT_ID": env.str("WECOM_AGENT_ID", default=""),
}
DINGTALK = {
    "DINGTALK_CLIENT_ID": env.str("DINGTALK_CLIENT_ID", default=""),
    "DINGTALK_CLIENT_SECRET": env.str("DINGTALK_CLIENT_SECRET", default=""),
}
FEISHU = {
    "FEISHU_APP_ID": env.str("FEISHU_APP_ID", default=""),
    "FEISHU_APP_SECRET": env.str("FEISHU_APP_SECRET", default=""),
}
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": provider("oidc", OIDC, {"server_url": OIDC["OIDC_SERVER"]}, pkce=True),
    "wecom": provider("wecom", WECOM, {}),
    "dingtalk": provider("dingtalk", DINGTALK, {}),
    "feishu": provider("feishu", FEISHU, {}),
}
# Who has a browser is one of the demo street's people with one click: on a development machine alone, whatever the environment says.
DEMO_SIGN_IN = ENVIRONMENT == "development"
# For the few who have a password: the first administrator, and staff where no gateway sends codes.
AUTH_PASSWORD_VALIDATORS: list[dict[str, object]] = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["phone", "name"]},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# One Redis-protocol server: redis://, rediss:// or, for a socket, unix:///path?db=0.
REDIS_URL = env.str("REDIS_URL")
if not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    sys.exit("REDIS_URL must name a server that speaks Redis's protocol (redis://…, rediss://… or unix://…).")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "linli",
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
}
SESSION_ENGINE = "community.sessions"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文"), ("en", "English")]
# What Django's own Chinese catalogue lacks; all other words of ours stand in the code.
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True

# Whitenoise serves static files under every web server:
# collected, hashed and packed in production, straight from the apps elsewhere.
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", default=str(LOCAL_DIR / "static"))) if PRODUCTION else None
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = ENVIRONMENT == "test"
# Source maps are half of all bytes, and only who looks into the documentation's own code asks for one.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(LOCAL_DIR / "media")))
# Where a proxy in front serves MEDIA_ROOT internally (nginx: `internal`); empty: the photos come from this process.
LINLI_ACCEL_PREFIX = env.str("LINLI_ACCEL_PREFIX", default="")

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "community.authentication.TokenAuthentication",
        "community.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["web.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["web.parsers.JSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "web.negotiation.ContentNegotiation",
    "DEFAULT_SCHEMA_CLASS": "web.schema.AutoSchema",
    "EXCEPTION_HANDLER": "casework.api.problems.handle",
    "DEFAULT_METADATA_CLASS": None,
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}


def enum_names() -> dict[str, str]:
    """What the enums of the API are called: each app that has some says it in its module `schema_names`, which imports nothing."""
    modules = [f"{app}.schema_names" for app in _OWN_APPS if find_spec(f"{app}.schema_names")]
    return {name: path for module in modules for name, path in import_module(module).ENUMS.items()}


SPECTACULAR_SETTINGS = {
    "TITLE": "Linli 邻里办",
    "VERSION": "1",
    # Whatever the letters of an id are (web/addresses.py).
    "PATH_CONVERTER_OVERRIDES": {"id": {"type": "string", "format": "uuid"}},
    "SCHEMA_PATH_PREFIX": r"/api/v[0-9]+",
    "ENUM_NAME_OVERRIDES": enum_names(),
    "OAS_VERSION": "3.1.1",
    "SERVERS": [{"url": "/", "description": "The server that gives this document."}],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "web.schema.complete"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# Celery: a task is acknowledged when it is done, and done twice where a worker died. No timer lives in the broker.
# After the visibility timeout a task of a worker that vanished is given to another; the two restore settings
# make Celery look every ten seconds (its own defaults look every hundred).


def broker_url(redis_url: str) -> str:
    """Celery's spelling of `redis_url`: it says redis+socket://…?virtual_host=0 where redis-py says unix://…?db=0."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    db = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={db}"


CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_connect_timeout": 2,
    # A broker that is there and silent is away, too. A worker's own wait for work ends before, and begins anew.
    "socket_timeout": 5,
    "polling_interval": 3,
    "global_keyprefix": "linli:",
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_IMPORTS = ["config.heartbeat", "config.worker", "config.schedule"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "default"
# docs/decisions/nudges-are-taken-off-at-once.md
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_SOFT_TIME_LIMIT = 240
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULER = "config.scheduler:Scheduler"
# The file that a worker or beat touches while it lives, for the health check of its container; empty: none.
PULSE_FILE = env.str("LINLI_PULSE", default="")
# What is due is fired by a worker of its own, so that nothing slow stands before it; a look that came too late is no loss.
# The postman's worker has threads: it waits for servers of others, and one that hangs must not stand before the rest.
CELERY_TASK_ROUTES = {
    # Each kind of subject has a sweep of its own (`tickets.sweep`).
    "*.sweep": {"queue": "clocks"},
    "notifications.deliver": {"queue": "post"},
    "notifications.sweep": {"queue": "post"},
}
# config/schedule.py adds the duties of each kind of subject.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, object]] = {
    "fire_contracts": {"task": "community.fire_contracts", "schedule": 60.0, "options": {"expires": 60}},
    "heartbeat": {"task": "config.heartbeat", "schedule": 10.0, "options": {"expires": 10}},
    "sweep_post": {"task": "notifications.sweep", "schedule": 1.0, "options": {"expires": 1}},
    "purge": {"task": "community.purge", "schedule": 3600.0, "options": {"expires": 3600}},
    "purge_messages": {"task": "notifications.purge", "schedule": 3600.0, "options": {"expires": 3600}},
    "exports": {"task": "console.exports", "schedule": 60.0, "options": {"expires": 60}},
}

# Every line is one JSON object on standard error, mobile numbers masked; what runs the process keeps the lines.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "config.logs.Line"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django": {"handlers": [], "level": "INFO", "propagate": True},
        "django.server": {"handlers": [], "propagate": True},
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
# Where the sign-in codes of a development server go, since it has no gateway to send them through.
SMS_LOG = None if PRODUCTION else LOCAL_DIR / "log" / "sms.log"
# Sign-in codes that one address may ask for in an hour, for phones where it is not known: operators put many customers
# behind one address.
CODES_PER_ADDRESS = number("CODES_PER_ADDRESS", 100)
# Phones that get as many codes as they ask for: the invented people's of the demo street, on a development machine alone.
UNLIMITED_PHONES = re.compile(r"199000\d{5}") if ENVIRONMENT == "development" else None
# The mini-program's credentials; without them WeChat sign-in answers that it is not set up.
WECHAT_BASE_URL = env.str("WECHAT_BASE_URL", default="https://api.weixin.qq.com")
WECHAT_APP_ID = env.str("WECHAT_APP_ID", default="")
WECHAT_APP_SECRET = env.str("WECHAT_APP_SECRET", default="")

# How people are reached (notifications/channels). A channel that is not set up sends nothing; the inbox is always there.
EMAIL_URL = env.str("EMAIL_URL", default="" if PRODUCTION else f"filemail:///{LOCAL_DIR / 'log' / 'mail'}")
try:
    MAILERS = mailers(EMAIL_URL)
except ImproperlyConfigured as error:
    sys.exit(str(error))
# What is meant: HSTS without subdomains and without preload, and a server without e-mail.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021", *([] if EMAIL_URL else ["mail.W001"])]
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="" if PRODUCTION else "linli@localhost")
SMS_PROVIDER = env.str("SMS_PROVIDER", default="")
SMS_KEY_ID = env.str("SMS_KEY_ID", default="")
SMS_KEY_SECRET = env.str("SMS_KEY_SECRET", default="")
SMS_SIGN_NAME = env.str("SMS_SIGN_NAME", default="")
SMS_APP_ID = env.str("SMS_APP_ID", default="")
SMS_BASE_URL = env.str("SMS_BASE_URL", default="")
SMS_CODE_TEMPLATE = env.str("SMS_CODE_TEMPLATE", default="")
SMS_TEMPLATE = env.str("SMS_TEMPLATE", default="log" if SMS_PROVIDER == "log" else "")
WECHAT_TEMPLATE = env.str("WECHAT_TEMPLATE", default="")
# The templates that are long-term subscriptions, of which no message is used up.
WECHAT_STANDING_TEMPLATES = env.list("WECHAT_STANDING_TEMPLATES", default=[])
# The mini-program's page that a tapped message opens, with ?id= of what it is about; without one it opens none.
WECHAT_PAGE = env.str("WECHAT_PAGE", default="")
WECHAT_STATE = env.str("WECHAT_STATE", default="formal")
# Other addresses than the vendors' own, for tests and for proxies.
WECOM_BASE_URL = env.str("WECOM_BASE_URL", default="")
DINGTALK_BASE_URL = env.str("DINGTALK_BASE_URL", default="")
FEISHU_BASE_URL = env.str("FEISHU_BASE_URL", default="")
# Days after which a message goes, read or not, and with it what is known of its deliveries.
MESSAGES_KEPT_DAYS = 180
# Networks that webhooks may reach although they are none of the public Internet's, such as 10.1.2.0/24.
WEBHOOK_ALLOWED_NETWORKS = env.list("WEBHOOK_ALLOWED_NETWORKS", default=[])

# What Prometheus must bring along to read /metrics. Without one the address is open on a development machine, and absent in production.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
if PRODUCTION and 0 < len(METRICS_TOKEN) < SECRET_LENGTH:
    sys.exit(f"METRICS_TOKEN has {len(METRICS_TOKEN)} characters; production needs {SECRET_LENGTH} or more, or none.")

# Nothing foreign runs in a page of ours; the API's documentation alone may style itself (config/urls.py).
SECURE_CSP: dict[str, list[str]] = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.SELF],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
# A draft of the service level is one page of some hundred rows.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3000
X_FRAME_OPTIONS = "DENY"
# Which pages of other origins may call the API, such as a mini-app's H5 build; they sign in by token, never by cookie.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
if strange := [origin for origin in CORS_ALLOWED_ORIGINS if not re.fullmatch(r"https?://[^\s/?#*]+", origin)]:
    sys.exit(
        f"CORS_ALLOWED_ORIGINS: {', '.join(strange)} is no origin; one is written https://host or https://host:port, without a path."
    )
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_METHODS = ["GET", "POST", "PATCH", "DELETE"]
CORS_ALLOW_HEADERS = ["accept", "accept-language", "authorization", "content-type", "idempotency-key", "if-match"]
CORS_EXPOSE_HEADERS = ["ETag", "Idempotent-Replayed", "Location", "Retry-After"]
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# The proxy in front ends TLS, and must set (never pass on) this header.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PRODUCTION else None
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=PRODUCTION)
# What watches a server asks its web process itself, without the proxy that ends TLS.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^metrics$"]
# A browser keeps what it is told here for as long as it is told, whatever becomes of the server: an hour unless somebody decides
# otherwise, and nothing for names that are not Linli's own.
SECURE_HSTS_SECONDS = number("SECURE_HSTS_SECONDS", 3600) if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
