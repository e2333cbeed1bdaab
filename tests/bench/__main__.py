"""Run the named benchmarks, or all of them."""

import subprocess
import sys
from importlib import import_module

from tests.bench.report import Report

#: Modules by name, imported when they are run: a child's peak memory begins at what its parent
#: holds, and reference libraries are large.
BENCHMARKS = {
    "import": "imports",
    "data": "million",
    "labelling": "labelling",
    "crowd": "crowd",
    "queue": "queue",
    "label-page": "label_page",
    "training": "training",
    "learning": "learning",
}


def main(names: list[str]) -> int:
    """Run benchmarks by name; 2 for a name that nobody knows."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.stderr.write(f"No benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}.\n")
        return 2
    if len(names) != 1:
        each = [sys.executable, "-m", "tests.bench"]
        return max(subprocess.call([*each, name]) for name in names or BENCHMARKS)
    (name,) = names
    sys.stdout.write(f"{name}\n")
    report = Report(name)
    import_module(f"tests.bench.{BENCHMARKS[name]}").run(report)
    sys.stdout.write(f"  written to {report.save()}\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
