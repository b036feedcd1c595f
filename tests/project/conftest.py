"""Tests need no network: the model in use is the one that ships with the package."""

import os

os.environ.setdefault("PATCHBOOK_MODEL", "tiny-gpt2")
