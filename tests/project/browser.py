"""Headless chromium, spoken to over its own protocol: what a reader's browser makes of a page."""

import base64
import json
import shutil
import subprocess
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import websocket

from tests.project.events import NEVER, until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)


class Refused(Exception):
    """The browser did not do what it was asked."""


class Browser:
    """One tab. Use as a context manager; `profile` is an empty folder for the browser's own files."""

    def __init__(self, profile: Path):
        self.process = subprocess.Popen(
            [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = until(lambda: _first_line(profile / "DevToolsActivePort"))
        tabs = until(lambda: [tab for tab in _json(port) if tab["type"] == "page"])
        self.line = websocket.create_connection(tabs[0]["webSocketDebuggerUrl"], timeout=NEVER)
        self.numbers = count(1)
        self.complaints: list[str] = []  # of the pages that were open: see `complaint_in`
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *error) -> None:
        self.line.close()
        self.process.kill()
        self.process.wait()

    def ask(self, method: str, **parameters) -> dict:
        """Send a command of the DevTools protocol; returns its result. Raises Refused."""
        number = next(self.numbers)
        self.line.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while (answer := json.loads(self.line.recv())).get("id") != number:
            if complaint := complaint_in(answer):
                self.complaints.append(complaint)
        if "error" in answer:
            raise Refused(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, address: str, width: int = 1200, dark: bool = False, still: bool = False) -> None:
        """Load a page at a width in CSS pixels, as a reader with that setting sees it."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme, motion])
        self.ask("Page.navigate", url=address)
        until(self._loaded)

    def _loaded(self) -> bool:
        try:
            return self.value("document.readyState === 'complete' && location.href !== 'about:blank'")
        except Refused:  # the page that was asked gave way to the next
            return False

    def value(self, expression: str):
        """What JavaScript gives in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """One key, by its name and its number."""
        for kind in ("rawKeyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def tap(self, x: float, y: float) -> None:
        """A finger that comes down at a place of the screen and goes away."""
        self.ask("Emulation.setTouchEmulationEnabled", enabled=True)
        self.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.ask("Emulation.setTouchEmulationEnabled", enabled=False)

    def swipe_up(self, x: int, y: int, distance: int = 400) -> None:
        """A finger that comes down at a place of the screen and goes up."""
        self.ask("Emulation.setTouchEmulationEnabled", enabled=True)
        self.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        for gone in range(20, distance + 1, 20):
            self.ask("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": x, "y": y - gone}])
        self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.ask("Emulation.setTouchEmulationEnabled", enabled=False)

    def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        shot = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


def complaint_in(event: dict) -> str:
    """An error that an event of the protocol tells of, or a request to another host; "" for other events."""
    its = event.get("params", {})
    match event.get("method"):
        case "Runtime.exceptionThrown":
            details = its["exceptionDetails"]
            return details.get("exception", {}).get("description") or details["text"]
        case "Runtime.consoleAPICalled" if its["type"] in ("error", "assert"):
            return " ".join(str(one.get("value", one.get("description"))) for one in its["args"])
        case "Log.entryAdded" if its["entry"]["level"] == "error":
            return f"{its['entry']['text']} {its['entry'].get('url', '')}"
        case "Network.requestWillBeSent":
            address = its["request"]["url"]
            return "" if urlsplit(address).hostname in (None, "127.0.0.1") else f"asks {address}"
    return ""


def _first_line(path: Path) -> str:
    return path.read_text().split("\n")[0] if path.is_file() else ""


def _json(port: str) -> list[dict]:
    with urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
        return json.load(answer)
