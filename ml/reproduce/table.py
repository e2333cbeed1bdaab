"""A report as one table in Markdown, which reads well in a terminal too."""

from ml.reproduce.running import Line, Mean, Report

_NAMES = {"majority": "always the same", "tfidf": "TF-IDF + linear"}


def as_table(report: Report, command: str) -> str:
    """Return the table of a report with the command that made it."""
    beside = sorted({name for line in report.lines for name in line.beside})
    head = ["figure", "Gloss", *(_NAMES.get(name, name) for name in beside), "wanted", "earlier"]
    rows = [_row(line, beside) for line in report.lines]
    counts = report.counts
    about = (
        f"{report.title}: {counts['train']:,} to learn from, {counts['validation']:,} to stop and "
        f"calibrate by, {counts['test']:,} held out, parted by {report.grouped_by}; "
        f"{report.repeated:,} left out because a held-out text nearly equals them."
    )
    how = (
        f"Tier {report.tier}, {report.encoder or 'no encoder'}, on {report.device}; mean of "
        f"{report.seeds} seeds with a 95 % interval of rows and seeds; {report.seconds:,.0f} s "
        f"in all, a seed {' / '.join(f'{s:,.0f}' for s in report.seconds_each)} s; "
        f"{report.processor_seconds:,.0f} s of processor time."
    )
    lines = [_line(head), _line(["---"] * len(head)), *map(_line, rows)]
    return "\n".join([about, how, f"`{command}`", "", *lines])


def _row(line: Line, beside: list[str]) -> list[str]:
    figure = line.figure
    wanted = ""
    if figure.wanted is not None:
        wanted = f"{'≤' if figure.is_lower_better else '≥'} {figure.wanted:g}"
        wanted += {True: ", reached", False: ", NOT reached", None: ""}[line.is_reached]
    others = [_short(line.beside.get(name)) for name in beside]
    return [figure.label, _full(line.ours), *others, wanted, figure.earlier]


def _full(mean: Mean | None) -> str:
    if mean is None:
        return "none"
    return f"{_number(mean.value)} ({_number(mean.low)} to {_number(mean.high)}, n {mean.n:,})"


def _short(mean: Mean | None) -> str:
    return "" if mean is None else _number(mean.value)


def _number(value: float) -> str:
    return f"{value:.4f}" if abs(value) < 2 else f"{value:.2f}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
