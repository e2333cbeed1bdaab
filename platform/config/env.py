"""Read the environment: every variable that Gloss knows, with its default, in one place.

`docs/configuration.md` documents each; a test keeps the two lists equal.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]

_env = environ.FileAwareEnv()

VARIABLES = (
    "GLOSS_HOME",
    "PORT",
    "DEMO",
    "DATABASE_URL",
    "GLOSS_BROKER_URL",
    "GLOSS_CACHE_URL",
    "SECRET_KEY",
    "SECRET_KEY_FILE",
    "DEBUG",
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "GLOSS_ENCODER",
    "GLOSS_DEVICE",
    "GLOSS_JOB_LEASE_SECONDS",
    "GLOSS_UPLOAD_MAX_BYTES",
    "GLOSS_BEHIND_TLS",
    "GLOSS_BIND",
    "GLOSS_WEB_PROCESSES",
    "GLOSS_WEB_THREADS",
    "HF_HOME",
)


@dataclass(frozen=True, slots=True)
class Environment:
    """What the process was told from outside."""

    home: Path
    database_url: str
    broker_url: str
    cache_url: str
    secret_key: str
    is_debug: bool
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    encoder: str
    device: str
    job_lease_seconds: float
    upload_max_bytes: int
    is_behind_tls: bool

    @property
    def is_embedded(self) -> bool:
        """Tell whether the database is the SQLite file that nobody had to set up."""
        return self.database_url.startswith("sqlite")


def read() -> Environment:
    """Read the environment; raise ImproperlyConfigured where it cannot work."""
    home = Path(_env.str("GLOSS_HOME", default=str(ROOT / "var"))).expanduser().resolve()
    home.mkdir(parents=True, exist_ok=True)
    database_url = _env.str("DATABASE_URL", default=f"sqlite:///{home}/gloss.sqlite3")
    return Environment(
        home=home,
        database_url=database_url,
        broker_url=_env.str("GLOSS_BROKER_URL", default="filesystem://"),
        cache_url=_env.str("GLOSS_CACHE_URL", default="locmemcache://"),
        secret_key=_secret_key(home=home, is_embedded=database_url.startswith("sqlite")),
        is_debug=_env.bool("DEBUG", default=False),
        allowed_hosts=_env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"]),
        csrf_trusted_origins=_env.list("CSRF_TRUSTED_ORIGINS", default=[]),
        encoder=_env.str("GLOSS_ENCODER", default="all-MiniLM-L6-v2"),
        device=_env.str("GLOSS_DEVICE", default="auto"),
        job_lease_seconds=_env.float("GLOSS_JOB_LEASE_SECONDS", default=20.0),
        upload_max_bytes=_env.int("GLOSS_UPLOAD_MAX_BYTES", default=2 * 1024**3),
        is_behind_tls=_env.bool("GLOSS_BEHIND_TLS", default=False),
    )


def _secret_key(*, home: Path, is_embedded: bool) -> str:
    """Take the key from outside; make and keep one only for the embedded default."""
    given: str = _env.str("SECRET_KEY", default="").strip()
    if given:
        if len(given) < 32:
            raise ImproperlyConfigured("SECRET_KEY has fewer than 32 characters; use a longer one.")
        return given
    if not is_embedded:
        raise ImproperlyConfigured(
            "Set SECRET_KEY or SECRET_KEY_FILE: a shared database needs a key of your own."
        )
    return _kept_key(home / "secret_key")


def _kept_key(path: Path) -> str:
    try:
        with path.open("x", encoding="ascii") as file:
            path.chmod(0o600)
            file.write(secrets.token_urlsafe(64))
    except FileExistsError:
        pass
    key = path.read_text(encoding="ascii").strip()
    if len(key) < 32:
        raise ImproperlyConfigured(f"{path} holds no usable key; delete it and start again.")
    return key
