"""Write reviews and their labels in the formats of other programs: pure, and by the piece."""

from reviews.formats.plan import Exported, LeftOut, Plan, Unwritable, Writer
from reviews.formats.registry import FORMATS, OutFormat

__all__ = ["FORMATS", "Exported", "LeftOut", "OutFormat", "Plan", "Unwritable", "Writer"]
