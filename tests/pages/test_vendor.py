"""The browser's libraries are what npm published, and collect without their source maps."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = [ROOT / "platform" / "static" / "vendor", ROOT / "tests" / "pages" / "vendor"]
LIBRARIES = [
    pytest.param(folder, library, id=library["folder"])
    for folder in FOLDERS
    for library in json.loads((folder / "VENDOR.json").read_text())["libraries"]
]


def lock() -> dict[str, Any]:
    text: dict[str, Any] = json.loads(
        (ROOT / "platform" / "vendoring" / "package-lock.json").read_text()
    )
    return text


@pytest.mark.parametrize(("folder", "library"), LIBRARIES)
def test_every_vendored_file_has_the_recorded_hash(folder: Path, library: dict[str, Any]) -> None:
    home = folder / library["folder"]
    on_disk = {
        str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file()
    }

    assert on_disk == library["sha256"]


@pytest.mark.parametrize(("folder", "library"), LIBRARIES)
def test_a_vendored_library_brings_its_licence_and_is_locked(
    folder: Path, library: dict[str, Any]
) -> None:
    locked = lock()["packages"][f"node_modules/{library['name']}"]

    assert (folder / library["folder"] / "LICENSE").stat().st_size > 0
    assert (locked["version"], locked["license"]) == (library["version"], library["licence"])
    assert locked["integrity"].startswith("sha512-")


def test_nothing_lies_in_a_vendor_folder_that_is_not_recorded() -> None:
    for folder in FOLDERS:
        recorded = {
            library["folder"]
            for library in json.loads((folder / "VENDOR.json").read_text())["libraries"]
        }
        assert {path.name for path in folder.iterdir()} - {"VENDOR.json"} == recorded


def test_the_lock_file_names_no_download_host() -> None:
    assert not [name for name, entry in lock()["packages"].items() if "resolved" in entry]


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run collectstatic into a folder of its own."""
    target = tmp_path_factory.mktemp("static")
    with override_settings(STATIC_ROOT=target, DEBUG=False):
        call_command("collectstatic", interactive=False, verbosity=0)
    return target


def test_collectstatic_names_files_by_content_in_spite_of_missing_source_maps(
    collected: Path,
) -> None:
    names = json.loads((collected / "staticfiles.json").read_text())["paths"]

    bundle = names["vendor/bootstrap@5.3.8/dist/js/bootstrap.bundle.min.js"]
    kept = ROOT / "platform/static/vendor/bootstrap@5.3.8/dist/js/bootstrap.bundle.min.js"
    assert bundle != "vendor/bootstrap@5.3.8/dist/js/bootstrap.bundle.min.js"
    assert (collected / bundle).read_bytes() == kept.read_bytes()


def test_collected_modules_import_each_other_by_their_hashed_names(collected: Path) -> None:
    names = json.loads((collected / "staticfiles.json").read_text())["paths"]

    chart = (collected / names["js/chart.js"]).read_text()

    assert f'"./{Path(names["js/chart-option.js"]).name}"' in chart


def test_static_files_keep_their_plain_names_while_nothing_is_collected(tmp_path: Path) -> None:
    from common.storage import StaticStorage

    storage = StaticStorage(location=str(tmp_path), base_url=settings.STATIC_URL)

    with override_settings(DEBUG=False):
        assert storage.url("css/tokens.css") == f"{settings.STATIC_URL}css/tokens.css"
