"""What our own processes do without, so that they start quickly. Imported before nbformat is.

jsonschema, with which nbformat looks at notebooks, builds 38 grammars when it is imported and finds
rfc3987_syntax: over a second of CPU time, for a format of addresses that no notebook's schema asks for.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)
