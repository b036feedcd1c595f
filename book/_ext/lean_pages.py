"""What the theme writes into every page, and a page is better without: on slow lines, to screen readers."""

import re

# Nothing is looked up outside the search page: 180 kB that every page would load first.
SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"(?: defer="")?></script>'
)
CHANGES = (
    # 20 icons, in place of all that there are.
    (
        r'<script [^>]*?src="([^"]*)scripts/fontawesome\.js[^"]*"[^>]*></script>',
        r'<link rel="stylesheet" href="\1icons.css">',
    ),
    (r'\s*<link rel="preload" as="font"[^>]*>', ""),
    # The text comes before any script, and scripts keep their order. Lines in the page use the first.
    (r'<script (?=[^>]*\bsrc=")(?![^>]*(?:documentation_options|defer|async))', "<script defer "),
    # It hides from screen readers what the summary says: "Show the solution".
    (' aria-label="Toggle hidden content"', ""),
    # Names of what has none, or another one than it shows.
    (r"(>([^<>]+)</a><details(?: [^>]*)?><summary)>", r'\1 aria-label="Pages of \2">'),
    (r'(search-button-field[^>]*?) title="Search" aria-label="Search"', r"\1"),
    (r'(data-mode="\w+") +title="[\w ]+"', r"\1"),
    (r'(id="pst-primary-sidebar")(?! role)', r'\1 role="complementary" aria-label="The book"'),
    # Roles that a list of papers must not have.
    (r' role="(?:doc-biblioentry|list)"', ""),
    # On a narrow page a drawing scrolls, and its caption stays.
    (r'(<figure class="pb-figure">\s*)(<svg\b(?s:.*?)</svg>)', r'\1<div class="pb-drawing">\2</div>'),
    # Paper shows hints, and no answers.
    (r"<details>(?=<summary>Hint\b)", '<details class="pb-hint">'),
    # A table's empty corner heads no row and no column.
    (r"<th\b[^>]*>(?:<p></p>)?</th>", "<td></td>"),
)


def lean(page: str, searches: bool = False) -> str:
    """The page's HTML, better to load and to hear; `searches`: whether it is the search page."""
    if not searches:
        page = SEARCH.sub("", page)
    for pattern, replacement in CHANGES:
        page = re.sub(pattern, replacement, page)
    return page
