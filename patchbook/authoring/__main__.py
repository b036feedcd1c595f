"""`python -m patchbook.authoring [--check]`: rewrite what is generated, or fail when it is stale."""

import sys
from pathlib import Path

import click

from patchbook.authoring import AuthorError, CourseError, find_course, stale_exercises, write_exercises


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit 1 when a file is stale.")
@click.option(
    "--course",
    "root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The course's folder. Default: the checkout around the working folder.",
)
def main(check: bool, root: Path | None) -> None:
    """Make exercises/*.ipynb from solutions/*.md."""
    try:
        course = find_course(root)
        changed = stale_exercises(course) if check else write_exercises(course)
    except (AuthorError, CourseError) as error:
        sys.exit(str(error))
    for path in changed:
        print(f"{course.relative(path)}: {'stale' if check else 'written'}")
    if check and changed:
        sys.exit("exercises/ does not match solutions/. To mend it: make exercises")
    if not changed:
        print(f"exercises/ matches solutions/ ({len(course.chapters)} chapters).")


if __name__ == "__main__":
    main()
