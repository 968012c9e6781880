"""Pages taken apart, as a browser would."""

import base64
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np

_VOID = {"meta", "img", "input", "br", "link"}


class Page(HTMLParser):
    """What is on a page.

    Attributes:
        tags: (name, attributes) of each element, in order.
        text: all text that is shown, blanks made single.
        scripts: text of each script element.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self._inside: list[str] = []
        self._words: list[str] = []
        self._sections: dict[str, list[str]] = {}
        self._section = ""
        self.feed(self.html)
        self.close()
        assert self._inside == [], f"not closed: {self._inside}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.tags.append((tag, attributes))
        if tag == "section":
            self._section = attributes.get("aria-labelledby", "")
        if tag not in _VOID:
            self._inside.append(tag)
        if tag in ("script", "style"):
            (self.scripts if tag == "script" else self.styles).append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._inside.pop() == tag
        if tag == "section":
            self._section = ""

    def handle_data(self, data: str) -> None:
        if self._inside and self._inside[-1] == "script":
            self.scripts[-1] += data
        elif self._inside and self._inside[-1] == "style":
            self.styles[-1] += data
        else:
            self._words.append(data)
            self._sections.setdefault(self._section, []).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self._words).split())

    def section(self, heading: str) -> str:
        """The text of the section whose heading has this identity."""
        return " ".join(" ".join(self._sections.get(heading, [])).split())

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """Attributes of the elements of one name; ``wanted`` as in ``class_="seek"``."""
        keys = {name.rstrip("_").replace("_", "-"): value for name, value in wanted.items()}
        return [given for name, given in self.tags if name == tag and all(given.get(k) == v for k, v in keys.items())]

    @property
    def data(self) -> dict[str, Any]:
        """What the page's script works with."""
        return json.loads(self.scripts[0])

    @property
    def policy(self) -> dict[str, str]:
        """The content security policy, by directive."""
        (meta,) = [given for name, given in self.tags if given.get("http-equiv") == "Content-Security-Policy"]
        return dict(part.strip().split(" ", 1) for part in meta["content"].split(";"))

    def stills(self) -> dict[str, np.ndarray]:
        """Alternative text -> pixels of each large picture."""
        return {one["alt"]: pixels(one["src"]) for one in self.all("img") if one.get("alt")}

    def cell(self, number: int) -> np.ndarray:
        """Picture ``number`` of the strip."""
        strip = self.data["strip"]
        _, _, sheet, place = strip["cells"][number]
        whole = pixels("data:image/webp;base64," + strip["sheets"][sheet])
        top, left = place // strip["columns"] * strip["height"], place % strip["columns"] * strip["width"]
        return whole[top : top + strip["height"], left : left + strip["width"]]


def pixels(uri: str) -> np.ndarray:
    """A data URI -> (h w) uint8 grey or (h w 3) uint8 RGB."""
    file = np.frombuffer(base64.b64decode(uri.partition(",")[2]), np.uint8)
    read = cv2.imdecode(file, cv2.IMREAD_UNCHANGED)
    assert read is not None
    return read if read.ndim == 2 else cv2.cvtColor(read, cv2.COLOR_BGR2RGB)
