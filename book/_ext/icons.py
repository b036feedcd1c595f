"""The pages' icons as a few lines of CSS. The theme brings all of Font Awesome, in 800 kB.

The shapes come from the theme's own script (Font Awesome Free, CC BY 4.0, as the theme says).
"""

import re
from collections.abc import Iterable
from urllib.parse import quote

NAMES = re.compile(r'class="([^"]*\bfa-[^"]*)"')
KINDS = ":is(.fas, .fab, .far, .fa-solid, .fa-brands, .fa-regular)"
ADMONITIONS = {
    "note": "circle-info",
    "tip": "lightbulb",
    "hint": "lightbulb",
    "error": "circle-xmark",
    "warning": "triangle-exclamation",
    "important": "circle-info",
    "seealso": "circle-info",
}
MASK = "background: currentColor; mask: var(--icon) center / contain no-repeat;"
RULES = f"""
{KINDS} {{ font-family: inherit !important; }}
{KINDS}::before {{
  content: "" !important; display: inline-block; width: 1.1em; height: 1em; vertical-align: -.125em; {MASK}
}}
.fa-lg::before {{ font-size: .85em; }}
a:is(.github, .gitlab)::before {{ content: none !important; }}
.admonition > .admonition-title::after {{
  content: "" !important; font: inherit !important; width: 1rem; height: 1rem; top: .55rem; {MASK}
}}
"""


def used(pages: Iterable[str]) -> set[str]:
    """The names that follow "fa-" in the pages' classes."""
    words = {word for page in pages for found in NAMES.findall(page) for word in found.split()}
    return {word[3:] for word in words if word.startswith("fa-")}


def css(script: str, names: set[str]) -> str:
    """A style sheet that draws these icons, as far as the script knows them: others are sizes and kinds."""
    shapes = {name: shape_of(script, name) for name in sorted(names)}
    rules = [rule(f".fa-{name}::before", shape) for name, shape in shapes.items() if shape]
    for kind, name in ADMONITIONS.items():
        rules.append(rule(f".admonition.{kind} > .admonition-title::after", shape_of(script, name)))
    return "\n".join([RULES.strip(), *rules]) + "\n"


def rule(selector: str, svg: str) -> str:
    return f'{selector} {{ --icon: url("data:image/svg+xml,{quote(svg, safe=" =/:.,-")}"); }}'


def shape_of(script: str, name: str) -> str:
    """An icon as SVG: of several of a name the last, which is the solid one; "" where there is none."""
    known = rf'[{{,]"?{re.escape(name)}"?:\[(\d+),(\d+),\[[^\]]*\],"[0-9a-f]+","([^"]+)"'
    found = re.findall(known, script)
    if not found:
        return ""
    width, height, path = found[-1]
    return f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}'><path d='{path}'/></svg>"
