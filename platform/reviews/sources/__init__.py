"""Files of every kind that holds reviews: guess what a file is, and read it record by record."""

from reviews.sources.kinds import KINDS, Kind
from reviews.sources.opening import guess_format, open_table, sheet_names

__all__ = ["KINDS", "Kind", "guess_format", "open_table", "sheet_names"]
