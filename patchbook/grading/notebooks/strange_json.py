"""JSON that a stranger wrote: a learner's file, or what their kernel sends."""

import json
from typing import Any


def from_json(text: str | bytes) -> Any:
    """Its value, which can be written to a file again. Raises ValueError or RecursionError.

    JSON may spell half a surrogate pair, such as "\\ud800". No text file can hold one: "?" takes its place.
    """
    value = json.loads(text)
    escape = b"\\u" if isinstance(text, bytes) else "\\u"
    return _whole(value) if escape in text else value


def _whole(value: Any) -> Any:
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
