"""What the theme writes into every page, and a page is better without."""

import re

# Nothing is looked up outside the search page: 120 kB that every page would load first.
SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"(?: defer="")?></script>'
)
# The text comes before any script, and scripts keep their order. Lines in the page use the first.
WAITING = re.compile(r'<script (?=[^>]*\bsrc=")(?![^>]*(?:documentation_options|defer|async))')
# It hides from screen readers what the summary says: "Show the solution".
TOGGLE = ' aria-label="Toggle hidden content"'
VIEWPORT = re.compile(r'(<meta name="viewport"[^>]*>)(.*?)<meta name="viewport"[^>]*>', re.DOTALL)


def lean(page: str, searches: bool = False) -> str:
    """The page's HTML, its scripts after its text; `searches`: whether it is the search page."""
    if not searches:
        page = SEARCH.sub("", page)
    page = WAITING.sub("<script defer ", page)
    while VIEWPORT.search(page):
        page = VIEWPORT.sub(r"\1\2", page)
    return page.replace(TOGGLE, "")
