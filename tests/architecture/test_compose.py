"""The production shape: valid Compose, no default secrets, everything looked after."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from jobs.kinds import QUEUES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def interpolated(text: str, **given: str) -> str:
    """Fill in variables as Compose does; raise KeyError for a required one that is missing."""

    def value(match: re.Match[str]) -> str:
        name = match["name"]
        if name in given:
            return given[name]
        if match["kind"] == "-":
            return match["rest"]
        raise KeyError(name)

    return VARIABLE.sub(value, text)


def resolved(text: str = TEXT) -> str:
    """Return the file with variables and YAML merges resolved, as the checker wants it."""
    return yaml.safe_dump(yaml.safe_load(interpolated(text, POSTGRES_PASSWORD="generated")))


SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(resolved())["services"]


def test_the_file_is_valid_compose() -> None:
    names = set(PyCompose.from_yaml(resolved()).service_names())

    assert names == {"migrate", "web", "worker", "trainer", "beat", "db", "redis"}


def test_the_check_notices_a_misspelt_key() -> None:
    misspelt = TEXT.replace("    healthcheck:\n", "    healthchek:\n", 1)

    with pytest.raises(ValueError, match="healthchek"):
        PyCompose.from_yaml(resolved(misspelt))


def test_it_refuses_to_start_without_a_password() -> None:
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD"):
        interpolated(TEXT)


def test_no_secret_stands_in_the_file() -> None:
    raw = yaml.safe_load(TEXT)["services"]
    given = [item for each in raw.values() for item in each.get("environment", {}).items()]
    secret = [value for name, value in given if re.search("PASSWORD|SECRET|TOKEN", name)]

    assert secret
    assert all(re.match(r"\$\{\w+:\?|/run/secrets/", value) for value in secret)
    urls = [value for name, value in given if name == "DATABASE_URL"]
    assert all(re.match(r"postgres://gloss:\$\{POSTGRES_PASSWORD:\?", url) for url in urls)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_restarts_logs_within_bounds_and_has_a_health_check(name: str) -> None:
    service = SERVICES[name]

    assert service["logging"]["options"]["max-size"]
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert service["healthcheck"].get("test") or name == "migrate"


@pytest.mark.parametrize("name", ["web", "worker", "trainer", "beat"])
def test_what_runs_our_code_waits_for_the_migration_and_has_no_privileges(name: str) -> None:
    service = SERVICES[name]

    assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_only_the_web_is_published_and_on_loopback_alone() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert published == {"web": ["127.0.0.1:8000:8000"]}


def test_the_trainer_alone_asks_for_a_gpu() -> None:
    asking = [name for name, service in SERVICES.items() if "deploy" in service]

    assert asking == ["trainer"]
    assert SERVICES["trainer"]["profiles"] == ["gpu"]


def test_what_a_model_computes_goes_to_the_gpu_one_job_a_queue() -> None:
    command = SERVICES["trainer"]["command"]
    queues = command[command.index("-Q") + 1].split(",")

    # A thread drains a queue: with more of them nothing more would run, with one a training would
    # keep predictions waiting.
    assert queues == ["train", "predict"]
    assert command[command.index("--concurrency") + 1] == str(len(queues))
    assert command[command.index("--pool") + 1] == "threads"
    assert SERVICES["trainer"]["environment"]["GLOSS_DEVICE"] == "cuda"
    assert set(queues) < set(QUEUES)
