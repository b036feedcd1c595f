"""A PostgreSQL server in a temporary folder, on a Unix socket, as an ordinary user: it insists on that."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.project.events import NEVER

MISSING = "PostgreSQL is not installed. On Debian and Ubuntu: apt-get install postgresql"
PASSWORD = "not-for-your/eyes:4711"
SETTINGS = "-c listen_addresses='' -c fsync=off -c logging_collector=off"  # a test outlives no power cut


class Postgres:
    """A running server with an empty database `grades`; `url` has the password that it asks for."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))  # a socket's path may have 107 bytes
        (self.folder / "password").write_text(PASSWORD)
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            for path in (self.folder, self.folder / "password"):
                os.chown(path, user.pw_uid, user.pw_gid)
        self.run("initdb", "-U", "teacher", "-A", "scram-sha-256", "--pwfile", self.folder / "password", "-N")
        self.start()
        self.url = f"postgresql://teacher:{PASSWORD.replace('/', '%2F').replace(':', '%3A')}@/postgres"
        self.url += f"?host={self.folder}"

    def start(self) -> None:
        settings = f"{SETTINGS} -k {self.folder}"
        self.run("pg_ctl", "start", "-w", "-t", NEVER, "-o", settings, "-l", self.folder / "log")

    def stop(self, how: str = "fast") -> None:
        """how: "fast" ends its connections in good order, "immediate" is a crash."""
        self.run("pg_ctl", "stop", "-w", "-t", NEVER, "-m", how)

    def run(self, program: str, *arguments: object) -> None:
        rights = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] * (os.getuid() == 0)
        command = [*rights, found(program), "-D", self.folder / "data", *arguments]
        done = subprocess.run(
            list(map(str, command)), stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{program}: {done.stderr}{done.stdout}"

    def close(self) -> None:
        self.stop("immediate")
        shutil.rmtree(self.folder)


def found(program: str) -> str:
    """Debian keeps the server's programs off the PATH, in a folder for each version."""
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda p: int(p.parts[4]))
    path = str(places[-1]) if places else shutil.which(program)
    assert path, MISSING
    return path
