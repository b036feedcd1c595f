"""`patchbook doctor`: what is here, what is missing, and the command that mends it."""

import platform
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

# Programs by the command that shows they are there: what they are for, and how to get them.
PROGRAMS = (
    (("make",), "runs the course's commands", "apt-get install make"),
    (("bwrap",), "the sandbox of grading", "apt-get install bubblewrap"),
    (
        ("chromium", "chromium-browser", "google-chrome"),
        "looks at the book's pages",
        "apt-get install chromium",
    ),
    (("pg_ctlcluster", "initdb"), "a gradebook in PostgreSQL, for the tests", "apt-get install postgresql"),
    (("curl",), "hands in to `patchbook serve`, for the tests", "apt-get install curl"),
)


@dataclass(frozen=True)
class Finding:
    """One line of the report. `mend` is empty when all is well; `fatal` says that the exit code is 1."""

    name: str
    state: str
    mend: str = ""
    fatal: bool = False


def examine() -> list[Finding]:
    """Everything the report shows, in order. Loads torch, to see that it starts."""
    return [
        Finding("python", platform.python_version()),
        Finding("patchbook", metadata.version("patchbook")),
        *packages(),
        *grading_commands(),
        *programs(),
        device(),
        *models(),
    ]


def packages() -> list[Finding]:
    """One finding for each package that patchbook asks for, as its own metadata lists them.

    The teacher's packages are required in a checkout of the course only: a learner does without them.
    """
    findings = []
    for line in metadata.requires("patchbook") or []:
        wanted = Requirement(line)
        extra = wanted.marker is not None and "extra" in str(wanted.marker)
        findings.append(package(wanted, fatal=not extra or in_a_checkout()))
    return findings


def package(wanted: Requirement, fatal: bool) -> Finding:
    """Whether a package is installed in a version that `wanted` allows."""
    mend = f'{Path(sys.executable).name} -m pip install "{wanted.name}{wanted.specifier}"'
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return Finding(wanted.name, "missing", mend, fatal)
    if wanted.specifier.contains(version, prereleases=True):
        return Finding(wanted.name, version)
    return Finding(wanted.name, f"{version}, wanted {wanted.specifier}", mend, fatal)


def in_a_checkout() -> bool:
    here = Path.cwd()
    return any((place / "_config.yml").is_file() for place in (here, *here.parents))


def grading_commands() -> list[Finding]:
    """nbgrader calls `alembic` as a program; it lies beside the interpreter that has nbgrader."""
    if not in_a_checkout():
        return []
    scripts = sysconfig.get_path("scripts")
    if shutil.which("alembic", path=scripts) or shutil.which("alembic"):
        return [Finding("alembic", "found")]
    return [Finding("alembic", "missing", f"{Path(sys.executable).name} -m pip install alembic", fatal=True)]


def programs() -> list[Finding]:
    """Programs outside Python. None is required: each is for one part of the course."""
    findings = []
    for commands, purpose, mend in PROGRAMS:
        found = next((command for command in commands if shutil.which(command)), None)
        state = f"found ({purpose})" if found else f"missing ({purpose})"
        findings.append(Finding(found or commands[0], state, "" if found else mend))
    return findings


def device() -> Finding:
    """Where models would run. Fatal when torch does not start."""
    try:
        import torch
    except (ImportError, OSError) as error:  # a package without its library, or a library for another machine
        mend = f"{Path(sys.executable).name} -m pip install --force-reinstall torch"
        return Finding("device", f"torch does not start: {first_line(error)}", mend, fatal=True)
    if torch.cuda.is_available():
        return Finding("device", f"cuda, {torch.cuda.get_device_name(0)}")
    if torch.backends.mps.is_available():
        return Finding("device", "mps")
    return Finding("device", f"cpu, {torch.get_num_threads()} threads")


def models() -> list[Finding]:
    """Which models can be loaded now. Fatal when a shipped one cannot: grading uses it."""
    from patchbook.models import SHIPPED, available_models
    from patchbook.zoo import ZOO

    findings = []
    for model in available_models():
        shipped = model.name in SHIPPED
        here = (ZOO / model.name / "config.json").is_file() if shipped else model.reachable
        state = ", ".join(filter(None, [model.source, model.why])) if here or not shipped else "missing"
        mend = "" if here else mend_of(model.name, shipped)
        findings.append(Finding(model.name, state, mend, fatal=shipped and not here))
    return findings


def mend_of(name: str, shipped: bool) -> str:
    if shipped:
        return "install patchbook again, or in a checkout: make models"
    return f"connect to the internet and run: python -c \"import patchbook; patchbook.load_model('{name}')\""


def first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def report(findings: list[Finding]) -> None:
    """Print one line for each finding, and at the end what to do."""
    from rich.console import Console

    screen = Console(highlight=False, soft_wrap=True)
    width = max(len(finding.name) for finding in findings)
    for finding in findings:
        mark = "✗" if finding.fatal else "!" if finding.mend else "✓"
        screen.print(f"{mark} {finding.name:{width}}  {finding.state}", markup=False)
    todo = sorted((f for f in findings if f.mend), key=lambda finding: not finding.fatal)
    if todo:
        screen.print("\nTo mend it:")
    for finding in todo:
        needed = "required" if finding.fatal else "optional"
        screen.print(f"  {finding.name} ({needed}): {finding.mend}", markup=False)
    fatal = sum(finding.fatal for finding in findings)
    missing = f"{fatal} required thing{'s are' if fatal > 1 else ' is'} missing."
    screen.print("\n" + (missing if fatal else "Everything required is here."))
