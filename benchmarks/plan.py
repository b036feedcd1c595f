"""What a class of 100,000 submissions takes, worked out from the figures in benchmarks/grading.md.

    python benchmarks/plan.py [--submissions 100000] [--cores 16]

Writes benchmarks/plan.md, which the guide for graders shows. Run it again when grading.md changes.
"""

import argparse
import re
from math import ceil
from pathlib import Path

HERE = Path(__file__).parent
SUBMISSIONS, CORES = 100_000, 16
ONE = "submissions per minute, 1 worker"
WRITER = "seconds of the writer for each submission"
SHARED = "MB of memory: warm process, judge and the workers' own"
EACH = "MB of memory more for each submission at work"
DISK = "MB of disk kept for each submission"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--submissions", type=int, default=SUBMISSIONS)
    parser.add_argument("--cores", type=int, default=CORES, help="of one machine")
    asked = parser.parse_args()
    text = table((HERE / "grading.md").read_text(), asked.submissions, asked.cores)
    (HERE / "plan.md").write_text(text)
    print(text, end="")


def table(measured: str, submissions: int = SUBMISSIONS, cores: int = CORES) -> str:
    """The plan as Markdown; `measured` is the text of grading.md."""
    rows = [
        (f"{submissions:,} submissions", ""),
        ("---", "--:"),
        *plan(figures(measured), submissions, cores),
    ]
    return "".join(f"| {what} | {much} |\n" for what, much in rows)


def figures(text: str) -> dict[str, float]:
    """The rows "| what | number |" of a table."""
    rows = re.findall(r"^\| *([^|]+?) *\| *([\d.]+) *\|$", text, re.M)
    return {what: float(number) for what, number in rows}


def plan(measured: dict[str, float], submissions: int, cores: int) -> list[tuple[str, str]]:
    """What is needed, in words, and how much of it."""
    work = submissions / measured[ONE] / 60  # hours of one core
    writing = submissions * measured[WRITER] / 3600  # hours of one writer
    fed = 60 / measured[WRITER] / measured[ONE]  # cores that one writer keeps up with
    writers = ceil(cores * 4 / fed)
    return [
        ("hours of one core, for the workers", f"{work:,.0f}"),
        ("hours of one writer", f"{writing:,.1f}"),
        ("cores that one writer keeps busy", f"{fed:.0f}"),
        (f"hours on 1 machine of {cores} cores, 1 writer", f"{max(work / cores, writing):,.1f}"),
        (f"hours on 4 machines of {cores} cores, 1 writer", f"{max(work / cores / 4, writing):,.1f}"),
        (f"hours on 4 machines of {cores} cores, {writers} writers", f"{work / cores / 4:,.1f}"),
        (f"GB of memory, each machine of {cores} cores", f"{memory(measured, cores):.0f}"),
        ("GB of disk on the grader's machine", f"{submissions * measured[DISK] / 1000:,.0f}"),
        ("submissions written per second, 1 writer", f"{1 / measured[WRITER]:.1f}"),
    ]


def memory(measured: dict[str, float], cores: int) -> float:
    """GB that a machine uses when every core is at work."""
    return (measured[SHARED] + cores * measured[EACH]) / 1000


if __name__ == "__main__":
    main()
