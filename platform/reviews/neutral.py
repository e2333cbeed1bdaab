"""Keep spreadsheets from running a text as a formula, in a way that can be undone.

A cell that starts like a formula, after any number of apostrophes, gets one apostrophe more
(OWASP, CSV injection). So no two cells become the same, and taking one apostrophe away from cells
that start so gives every cell back.
"""

import re

from common.text import is_number

#: Columns that say where a review stood in its project begin so; imports leave them out.
OWN_PREFIX = "gloss_"
#: The first column of every table that we write.
ID_COLUMN = f"{OWN_PREFIX}id"

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_NEUTRAL = re.compile("'+[=+\\-@\t\r\n＝＋－＠]")


def neutral(cell: str) -> str:
    """Put an apostrophe before what a spreadsheet would run as a formula; numbers stay."""
    if _FORMULA.match(cell) is None or is_number(cell):
        return cell
    return f"'{cell}"


def restored(cell: str) -> str:
    """Return the cell that `neutral` was given."""
    return cell[1:] if cell[:1] == "'" and _NEUTRAL.match(cell) else cell
