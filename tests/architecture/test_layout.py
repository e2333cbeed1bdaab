"""The shape of the repository: names that must not shadow, settings that must be documented."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOP = {
    "manage.py", "platform", "analysis", "labelling", "ml", "templates", "tests", "docs",
    "requirements.txt", "requirements-dev.txt", "docker-compose.yml", "Dockerfile",
    "pyproject.toml", "Makefile", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
}  # fmt: skip


def tracked() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.split("\n")[:-1]


def test_the_top_level_is_what_the_design_names() -> None:
    top = {name.split("/")[0] for name in tracked()}

    assert {name for name in top if not name.startswith(".")} == TOP


def test_platform_is_a_source_root_and_no_package() -> None:
    assert not list((ROOT / "platform").glob("*.py"))


@pytest.mark.parametrize("start", [ROOT, ROOT / "platform"], ids=["root", "platform"])
def test_a_child_process_gets_the_standard_librarys_platform(start: Path) -> None:
    code = "import platform; print(platform.__file__); print(platform.system())"

    child = subprocess.run(
        [sys.executable, "-c", code], cwd=start, capture_output=True, text=True, check=True
    )

    file, system = child.stdout.split()
    assert Path(file).name == "platform.py"
    assert system == "Linux"


@pytest.mark.parametrize("folder", [ROOT, ROOT / "platform"], ids=["root", "platform"])
def test_no_package_hides_another_librarys(folder: Path) -> None:
    names = {each.name for each in folder.iterdir() if each.is_dir()} - {"platform"}

    assert not names & (set(sys.stdlib_module_names) | {"datasets", "evaluate", "tokenizers"})


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    from config.env import VARIABLES

    text = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `([A-Z_]+)`", text, re.MULTILINE)) == set(VARIABLES)


def test_every_variable_that_code_reads_is_declared() -> None:
    from config.env import VARIABLES

    read = re.compile(r"""(?:environ(?:\.get)?[\[(]\s*|_env\.\w+\(\s*)["']([A-Z][A-Z_]+)["']""")
    sources = [name for name in tracked() if name.endswith(".py") and not name.startswith("tests/")]
    found = {name for source in sources for name in read.findall((ROOT / source).read_text())}

    # Names of other libraries, which the learning process heeds or sets for itself.
    theirs = re.compile(
        r"DJANGO_SETTINGS_MODULE|PATH|HOME|PYTHONPATH|.*_NUM_THREADS|(OMP|TOKENIZERS|HF|CUDA)_.*"
    )
    assert {name for name in found if not theirs.fullmatch(name)} <= set(VARIABLES)


def test_nothing_is_pickled_and_no_remote_code_is_trusted() -> None:
    forbidden = re.compile(
        r"torch\.load\(|joblib|pickle|allow_pickle|read_pickle|trust_remote_code=True|yaml\.load\("
    )
    sources = [name for name in tracked() if name.endswith(".py") and not name.startswith("tests/")]

    assert not [name for name in sources if forbidden.search((ROOT / name).read_text())]


def test_templates_carry_no_inline_script_style_or_handler() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)|\sstyle=|<style|\son[a-z]+=|hx-on")
    templates = [name for name in tracked() if name.startswith("templates/")]

    assert not [name for name in templates if inline.search((ROOT / name).read_text())]
