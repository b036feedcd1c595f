"""Memory that a submission holds and that no process's resident pages show.

A cgroup would count it, but who grades may seldom make one. So it is added up from what the system tells.
What cannot be counted exactly is counted at its most: a socket, whose buffers nobody tells, as if they were
full.
"""

import os
from collections.abc import Iterable
from pathlib import Path

BLOCK = 512  # bytes; a file's size on its disk is told in these
INIT = "/proc/1"  # within a sandbox: the process that holds its namespaces
_core, _tcp = Path("/proc/sys/net/core"), Path("/proc/sys/net/ipv4")


def held(pids: Iterable[int], folders: Iterable[str] = ()) -> int:
    """Bytes. folders: the private ones of a sandbox, whose files lie in memory; none without a sandbox."""
    in_folders = sum(used(folder) for folder in folders)
    return in_folders + in_open_files(pids) + ((in_segments() + in_sockets()) if folders else 0)


def used(folder: str) -> int:
    """Bytes of all files on a folder's disk, also of those that have no name any more."""
    disk = os.statvfs(folder)
    return (disk.f_blocks - disk.f_bfree) * disk.f_frsize


def in_open_files(pids: Iterable[int]) -> int:
    """Bytes of files that never had a name (memfd_create), each counted once."""
    sizes = {}
    for pid in pids:
        for link in open_files(pid):
            try:
                if os.readlink(link).startswith("/memfd:"):
                    file = os.stat(link)
                    sizes[file.st_dev, file.st_ino] = file.st_blocks * BLOCK
            except (FileNotFoundError, PermissionError):  # closed meanwhile; of another user, in a container
                continue
    return sum(sizes.values())


def open_files(pid: int) -> list[str]:
    try:
        return [entry.path for entry in os.scandir(f"/proc/{pid}/fd")]
    except (FileNotFoundError, PermissionError):  # it has ended; PermissionError is a zombie's
        return []


def in_segments() -> int:
    """Bytes of System V shared memory that are resident or swapped out."""
    head, *segments = Path("/proc/sysvipc/shm").read_text().splitlines()
    columns = [head.split().index(name) for name in ("rss", "swap")]
    return sum(int(segment.split()[column]) for segment in segments for column in columns)


def in_sockets() -> int:
    """Bytes that the buffers of the sandbox's sockets can hold."""
    local = sum(len(Path(f"{INIT}/net/{kind}").read_text().splitlines()) - 1 for kind in ("unix", "netlink"))
    told = [line.split() for line in Path(f"{INIT}/net/sockstat").read_text().splitlines()]
    inet = sum(int(words[2]) for words in told if words[0] in ("TCP:", "UDP:", "RAW:"))
    return local * 2 * most(_core / "wmem_max") + inet * (most(_tcp / "tcp_wmem") + most(_tcp / "tcp_rmem"))


def most(setting: Path) -> int:
    """The last number of a setting of the network: the largest."""
    return int(setting.read_text().split()[-1])
