"""Write a folder that `datasets.load_dataset` opens, in a zip: a card, and Parquet by split.

Layout: https://huggingface.co/docs/datasets/repository_structure. The card's YAML says which file
is which split; a split without reviews has none.
"""

import json
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, BinaryIO

from reviews.formats.cells import Column, columns_of, rows_of
from reviews.formats.plan import Exported, Plan, Writer

if TYPE_CHECKING:
    from reviews.formats.arrow import Groups

SPLITS = ("train", "validation", "test")
_TYPES = {"id": "int64", "date": "date32", "number": "float64"}


class HuggingFaceWriter(Writer):
    """One row a review, or one for each person who labelled it, in the file of its split."""

    def __init__(self, binary: BinaryIO, plan: Plan) -> None:
        self._binary = binary
        self._plan = plan
        self._columns = columns_of(plan)
        self._folder = TemporaryDirectory(prefix="export-")
        self._splits: dict[str, Groups] = {}

    def write(self, reviews: Iterable[Exported]) -> None:
        """Add reviews."""
        for review, row in rows_of(reviews, self._columns):
            groups = self._splits.get(review.split) or self._begin(review.split)
            groups.add(row)

    def _begin(self, split: str) -> "Groups":
        from reviews.formats.arrow import Groups

        self._splits[split] = Groups(self._path(split), self._columns)
        return self._splits[split]

    def _path(self, split: str) -> Path:
        return Path(self._folder.name) / f"{split}.parquet"

    def close(self) -> None:
        """Complete the files and put them into the zip."""
        if not self._splits:
            self._begin("train")
        with zipfile.ZipFile(self._binary, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("README.md", self._card())
            for split in SPLITS:
                if split in self._splits:
                    self._splits[split].close()
                    name = f"data/{split}-00000-of-00001.parquet"
                    with (
                        self._path(split).open("rb") as source,
                        archive.open(name, "w", force_zip64=True) as target,
                    ):
                        shutil.copyfileobj(source, target, 1 << 20)
        self._folder.cleanup()

    def abandon(self) -> None:
        """Remove the files that are not in a zip yet."""
        for groups in self._splits.values():
            groups.close()
        self._folder.cleanup()

    def _card(self) -> str:
        """Return the card: YAML (of which JSON is a part) between rules, then words."""
        splits = [split for split in SPLITS if split in self._splits]
        info = {"features": [_feature(column) for column in self._columns]}
        files = [{"split": split, "path": f"data/{split}-*"} for split in splits]
        head: dict[str, Any] = {
            "pretty_name": self._plan.title,
            "dataset_info": info,
            "configs": [{"config_name": "default", "data_files": files}],
        }
        yaml = "".join(f"{key}: {json.dumps(value)}\n" for key, value in head.items())
        counts = ", ".join(f"{split}: {self._splits[split].row_count:,}" for split in splits)
        questions = "".join(
            f"- `{each.key}` ({each.kind}): {each.name}"
            f"{': ' + ', '.join(each.options) if each.options else ''}\n"
            for each in self._plan.questions
        )
        return (
            f"---\n{yaml}---\n\n# {self._plan.title}\n\nReviews exported from Gloss, one row each"
            f"{' and annotator' if self._plan.names_people else ''}. "
            f"Rows by split: {counts}. Labels: {self._plan.labels}.\n\n{questions}"
        )


def _feature(column: Column) -> dict[str, Any]:
    if column.kind == "multichoice":
        return {"name": column.name, "sequence": "string"}
    if column.kind == "spans":
        parts = [{"name": name, "dtype": "int32"} for name in ("start", "end")]
        parts += [{"name": name, "dtype": "string"} for name in ("text", "option", "polarity")]
        return {"name": column.name, "list": parts}
    return {"name": column.name, "dtype": _TYPES.get(column.kind, "string")}
