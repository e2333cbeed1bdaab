"""Run the named benchmarks, or all of them."""

import sys
from collections.abc import Callable

from tests.bench import crowd, imports, label_page, labelling, learning, million, queue, training
from tests.bench.report import Report

BENCHMARKS: dict[str, Callable[[Report], None]] = {
    "import": imports.run,
    "data": million.run,
    "labelling": labelling.run,
    "crowd": crowd.run,
    "queue": queue.run,
    "label-page": label_page.run,
    "training": training.run,
    "learning": learning.run,
}


def main(names: list[str]) -> int:
    """Run benchmarks by name; 2 for a name that nobody knows."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.stderr.write(f"No benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}.\n")
        return 2
    for name in names or BENCHMARKS:
        sys.stdout.write(f"{name}\n")
        report = Report(name)
        BENCHMARKS[name](report)
        sys.stdout.write(f"  written to {report.save()}\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
