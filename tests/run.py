"""`make test`: every test that can run here, on both databases; ends with what was skipped."""

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tests import servers

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM = Path("/usr/bin/chromium")


@dataclass(slots=True)
class Outcome:
    """What one pass over the suite gave."""

    name: str
    status: int
    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


def main(arguments: list[str]) -> int:
    """Run the suite on SQLite with the file broker, then what meets PostgreSQL with Redis."""
    missing = _missing()
    outcomes = [_pass("SQLite, file broker", {}, arguments)]
    if not missing:
        with ExitStack() as stack:
            database = stack.enter_context(servers.postgres())
            broker = stack.enter_context(servers.redis())
            urls = {
                "DATABASE_URL": database, "GLOSS_BROKER_URL": broker,
                "GLOSS_TEST_DATABASE_ONLY": "1",
            }  # fmt: skip
            outcomes.append(_pass("PostgreSQL, Redis", urls, arguments))
    return _report(outcomes, missing)


def _missing() -> list[str]:
    missing = []
    if servers.postgres_bin() is None:
        missing.append("PostgreSQL pass: no initdb here (Debian: apt-get install postgresql)")
    if servers.redis_program() is None:
        missing.append("Redis pass: no redis-server here (Debian: apt-get install redis-server)")
    return missing


def _pass(name: str, urls: dict[str, str], arguments: list[str]) -> Outcome:
    sys.stdout.write(f"\n=== {name} ===\n")
    sys.stdout.flush()
    started = time.monotonic()
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [
            sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile",
            f"--junit-xml={report}", *arguments,
        ]  # fmt: skip
        env = os.environ | {"PYTHONPATH": str(ROOT / "platform")} | urls
        status = subprocess.run(command, cwd=ROOT, env=env, check=False).returncode
        outcome = Outcome(name, status, time.monotonic() - started)
        if report.exists():
            _read(report, outcome)
    return outcome


def _read(report: Path, outcome: Outcome) -> None:
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  (our own report)
        skipped = case.find("skipped")
        if skipped is not None:
            outcome.skipped[skipped.get("message") or "no reason given"] += 1
        elif case.find("failure") is not None or case.find("error") is not None:
            outcome.failed += 1
        else:
            outcome.passed += 1


def _report(outcomes: list[Outcome], missing: list[str]) -> int:
    say = sys.stdout.write
    say("\n=== Summary ===\n")
    for each in outcomes:
        counts = f"{each.passed} passed, {each.failed} failed, {each.skipped.total()} skipped"
        say(f"{each.name}: {counts} in {each.seconds:.0f} s\n")
    skipped = sum((each.skipped for each in outcomes), Counter[str]())
    reasons = [f"{count} x {reason}" for reason, count in skipped.most_common()] + missing
    say(
        "Skipped:\n" + "".join(f"  {each}\n" for each in reasons)
        if reasons
        else "Skipped: nothing\n"
    )
    is_strict = os.environ.get("GLOSS_TEST_STRICT") == "1"
    if is_strict and reasons:
        say("Nothing may be skipped here (GLOSS_TEST_STRICT=1).\n")
    passed, failed = (
        sum(getattr(each, name) for each in outcomes) for name in ("passed", "failed")
    )
    say(f"{passed} passed, {failed} failed, {skipped.total()} skipped\n")
    is_good = all(each.status == 0 for each in outcomes) and not (is_strict and reasons)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
