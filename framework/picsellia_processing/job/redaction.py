"""What must never leave the process: tokens, and the query strings that sign URLs."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACEHOLDER = "[redacted]"

_TOKENS = ("api_token", "PICSELLIA_TOKEN")
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSW(OR)?D|PASSPHRASE|CREDENTIAL|KEY|(^|_)PASS$", re.IGNORECASE)
_SHORTEST_SECRET = 8
_SHORTEST_TOKEN = 4

_QUERY = re.compile(r"""\?[^\s"'<>]+""")
# The placeholder counts as a signature: what is left of a query that was cut in two after its first half was redacted.
_SIGNED = re.compile(r"(?:sig|credential|token|secret|password|key|policy)[\w.%-]*=|\[redacted\]", re.IGNORECASE)
# What is left of a signed URL that was broken into lines, or was never one: a mapping of its parameters.
_SIGNATURE = re.compile(
    r"""(?<=x-)((?:amz|goog)-(?:signature|credential|security-token)['"]?\s*[=:]\s*['"]?)[^\s&'"<>,]+""", re.IGNORECASE
)
_USER_INFO = re.compile(r"(?<=://)[^\s/@:]+:[^\s/@]+(?=@)")
_BEARER = re.compile(r"(?<=\bBearer )[\w.~+/-]{8,}=*", re.IGNORECASE)


def secrets_of(variables: Mapping[str, str]) -> tuple[str, ...]:
    """The values in an environment that must not be shown, longest first.

    The platform's token, and every value of 8 or more characters whose name contains TOKEN, SECRET, KEY, CREDENTIAL or
    a word for a password; of a value with several lines, each of them.
    """
    found = {variables[name].strip() for name in _TOKENS if len(variables.get(name, "").strip()) >= _SHORTEST_TOKEN}
    for name, value in variables.items():
        if _SECRET_NAME.search(name):
            found.update(line.strip() for line in value.splitlines() if len(line.strip()) >= _SHORTEST_SECRET)
    found |= {quote(secret, safe="") for secret in found}
    return tuple(sorted(found, key=lambda secret: (-len(secret), secret)))


def redact(text: str, secrets: tuple[str, ...]) -> str:
    """`text` without `secrets`, the queries of signed URLs and their signatures, passwords in URLs and bearer tokens.

    Redacting twice changes nothing, also when more of a query follows the placeholder the second time.
    """
    if secrets:
        text = _any_of(secrets).sub(PLACEHOLDER, text)
    if "?" in text:
        text = _QUERY.sub(_without_signature, text)
    text = _SIGNATURE.sub(rf"\1{PLACEHOLDER}", text)
    if "://" in text:
        text = _USER_INFO.sub(PLACEHOLDER, text)
    return _BEARER.sub(PLACEHOLDER, text)


def redact_all(value: Any, secrets: tuple[str, ...]) -> Any:
    """A JSON value with every text in it redacted, keys included."""
    match value:
        case str():
            return redact(value, secrets)
        case list():
            return [redact_all(item, secrets) for item in value]
        case dict():
            return {redact(key, secrets): redact_all(item, secrets) for key, item in value.items()}
    return value


@lru_cache
def _any_of(secrets: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, secrets)))


def _without_signature(query: re.Match[str]) -> str:
    return f"?{PLACEHOLDER}" if _SIGNED.search(query[0]) else query[0]
