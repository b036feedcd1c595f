"""Where a course lies on disk, and what it says about itself."""

import re
from dataclasses import dataclass
from pathlib import Path

CHAPTER = re.compile(r"\d\d_[a-z0-9_]+")


class CourseError(Exception):
    """There is no course where one was looked for, or a chapter it does not have was named."""


@dataclass(frozen=True)
class Course:
    """A checkout of the course. `root` is the folder that holds _config.yml."""

    root: Path

    @property
    def chapters(self) -> list[str]:
        """The names of the chapters that have a solution, such as "01_induction_heads", in order."""
        found = (path.stem for path in (self.root / "solutions").glob("*.md"))
        return sorted(name for name in found if CHAPTER.fullmatch(name))

    def solution(self, chapter: str) -> Path:
        return self.root / "solutions" / f"{chapter}.md"

    def exercise(self, chapter: str) -> Path:
        return self.root / "exercises" / f"{chapter}.ipynb"

    def checks(self, chapter: str) -> Path:
        """The module of the chapter's test functions: installed as patchbook.tests.<topic>.

        A long chapter's is a package, whose own file imports them from its modules.
        """
        topic = self.root / "tests" / chapter[3:]
        return topic / "__init__.py" if topic.is_dir() else topic.with_suffix(".py")

    def relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def repository(self) -> str:
        """The address of the course's repository, from _config.yml: the one place where it stands."""
        url = self._repository().get("url")
        if not url:
            raise CourseError(
                f"{self.root / '_config.yml'} has no repository url: write "
                "`repository:` and below it, indented, `url: https://…`"
            )
        return url.rstrip("/")

    def branch(self) -> str:
        """The branch that links lead to."""
        return self._repository().get("branch", "main")

    def _repository(self) -> dict[str, str]:
        import yaml

        config = yaml.safe_load((self.root / "_config.yml").read_text()) or {}
        return config.get("repository") or {}

    def github(self) -> str | None:
        """The repository's "owner/name" where it is on GitHub; None elsewhere."""
        found = re.fullmatch(r"https://github\.com/([^/]+/[^/]+)", self.repository())
        return found and found[1]

    def colab(self, chapter: str) -> str | None:
        """The address that opens a chapter's exercises in Colab, which reads them from GitHub."""
        site = "https://colab.research.google.com/github"
        return self.github() and f"{site}/{self.github()}/blob/{self.branch()}/exercises/{chapter}.ipynb"

    def raw(self, path: str) -> str | None:
        """The address of a file of the repository, as it is."""
        site = "https://raw.githubusercontent.com"
        return self.github() and f"{site}/{self.github()}/{self.branch()}/{path}"

    def book(self) -> str | None:
        """The address of the published book: GitHub Pages gives each repository one."""
        if self.github() is None:
            return None
        owner, name = self.github().split("/")
        return f"https://{owner.lower()}.github.io/{name}"

    def require(self, chapter: str) -> str:
        """The chapter's name again. Raises CourseError when the course has no such chapter."""
        if chapter not in self.chapters:
            raise CourseError(
                f"the course in {self.root} has no chapter {chapter!r}; "
                f"it has: {', '.join(self.chapters) or 'none'}"
            )
        return chapter


def find_course(start: Path | None = None) -> Course:
    """The course at `start`; by default the checkout around the working folder or this package.

    Raises CourseError when neither holds a _config.yml.
    """
    if start is not None:
        places = [Path(start).resolve()]
    else:
        here = Path.cwd()
        places = [here, *here.parents, Path(__file__).resolve().parents[2]]
    for place in places:
        if (place / "_config.yml").is_file():
            return Course(place)
    raise CourseError(
        f"no course found: {places[0]} holds no _config.yml. Run this inside a checkout "
        "of the course, or name one with --course FOLDER"
    )
