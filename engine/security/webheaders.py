"""Which headers a call may set, and how they are written."""

from __future__ import annotations

import re
from collections.abc import Mapping

from engine.errors import ConfigInvalid

MOST_VALUE = 8_192
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
OURS = frozenset(
    "host content-length transfer-encoding connection keep-alive upgrade te trailer expect accept-encoding proxy-authorization "
    "proxy-connection".split()
)
"""Headers that belong to the connection: whoever could set them could smuggle a second request."""


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """With names in lower case and trimmed values. ConfigInvalid names the header that cannot be set."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        low = name.lower()
        if not HEADER_NAME.fullmatch(name) or low in OURS or low in found:
            raise ConfigInvalid(f"The header `{name[:60]}` cannot be set.", hint="Remove it, or mend its name.")
        if any((ord(c) < 32 and c != "\t") or ord(c) == 127 or ord(c) > 255 for c in value) or len(value) > MOST_VALUE:
            raise ConfigInvalid(f"The value of the header `{name}` cannot be sent.", hint="It must be one line of plain letters.")
        found[low] = value.strip()
    return found
