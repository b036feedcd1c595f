"""Is the model hub there, and is a copy of a model on this machine already? Neither question needs torch."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PATIENCE = 3.0  # seconds to wait for the hub before a notebook goes on without it
WEIGHTS = ("model.safetensors", "pytorch_model.bin")
FILES = ("config.json", "model.safetensors", "*token*", "vocab.json", "merges.txt", "generation_config.json")


@dataclass(frozen=True)
class Repo:
    """One model (or tokenizer) on the hub.

    ids: its names there, today's first; older copies use the others. files: what is downloaded.
    needs: what a complete copy has, for each entry one of the files it names.
    """

    ids: tuple[str, ...]
    files: tuple[str, ...] = FILES
    needs: tuple[tuple[str, ...], ...] = (("config.json",), WEIGHTS)


def cached(repo: Repo) -> Path | None:
    """The folder of a complete local copy, or None. Never asks the network."""
    from huggingface_hub import snapshot_download

    for repo_id in repo.ids:
        try:
            folder = Path(snapshot_download(repo_id, local_files_only=True))
        except OSError:  # huggingface_hub's LocalEntryNotFoundError is one
            continue
        if all(any((folder / name).exists() for name in choice) for choice in repo.needs):
            return folder
    return None


def download(repo: Repo) -> Path:
    """Fetch what loading needs and return its folder. Raises whatever the hub's client raises."""
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(repo.ids[0], allow_patterns=list(repo.files)))


@cache
def answers() -> bool:
    """True if the hub answers within PATIENCE seconds. Asked once in a process.

    A thread does the asking, because looking up the host's name can hang longer than any socket timeout.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    answer: list[bool] = []
    asking = threading.Thread(target=lambda: answer.append(asked(constants.ENDPOINT)), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return bool(answer and answer[0])


def asked(address: str) -> bool:
    """True if something at `address` speaks HTTP, whatever it says."""
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
