"""What looks like a secret in a file of the tree: keys, tokens, passwords, by form and by how mixed the letters are."""

from __future__ import annotations

import re
from collections import Counter
from math import log2
from typing import Final

_FORMS: Final = {
    "a private key": re.compile(
        r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s*(?:\\[rn])*[A-Za-z0-9+/]{16}"
    ),
    "a JWK's private part": re.compile(r"""\b["']?(?:d|k|p|q|dp|dq|qi)["']?\s*:\s*["'][A-Za-z0-9_-]{20,}["']"""),
    "a signed token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}"),
    "a provider's token": re.compile(
        r"\b(?:AKIA[0-9A-Z]{16}|gh[opusr]_[A-Za-z0-9]{36}|github_pat_\w{22}|glpat-[\w-]{20}|xox[abprs]-[\w-]{10}"
        r"|pypi-[\w-]{40}|sk_live_\w{20})"
    ),
}
_PASSWORD_IN_ADDRESS: Final = re.compile(r"\b[a-z][a-z0-9+.-]*://[^/\s:@\"'<{]+:([^/\s@\"'<{]{6,})@")
_NAMED: Final = re.compile(
    r"""(?i)(?:passw(?:or)?d|passphrase|secret|token|api_?key|private_?key|credential)s?["']?\]?\s*(?::[^=\n"']*)?[:=]\s*"""
    r"""[bf]?["']?([^\s"'(){}<>$,;]{12,})(?=["',;\s]|$)"""
)
_KEY_OF_32_BYTES: Final = re.compile(r"(?<![\w+/-])(?:[A-Za-z0-9+/]{43}=|[\w-]{43}|[0-9a-f]{64})(?![\w+/=-])")
_FILE: Final = re.compile(
    r"(?:\.(?:pem|key|p12|pfx|jks|kdbx|jwks?|ppk)|/id_(?:rsa|dsa|ecdsa|ed25519)|/\.env|/keys\.json)$"
)


def found(path: str, text: str) -> list[str]:
    """What in this file looks like a secret: kind and line, never the secret itself. Hashes of a lock are none."""
    told = ["a file of keys"] if _FILE.search(f"/{path}") else []
    text = re.sub(r"sha256:[0-9a-f]{64}", "", text)
    hits = [(kind, match) for kind, form in _FORMS.items() for match in form.finditer(text)]
    hits += [("a password in an address", match) for match in _PASSWORD_IN_ADDRESS.finditer(text)]
    hits += [("a named secret", match) for match in _NAMED.finditer(text) if _is_mixed(match[1])]
    hits += [("a key of 32 bytes", match) for match in _KEY_OF_32_BYTES.finditer(text) if _is_chance(match[0])]
    return told + [f"{kind} in line {text.count(chr(10), 0, match.start()) + 1}" for kind, match in hits]


def _is_mixed(word: str) -> bool:
    """Letters and digits in no order: names and sentences repeat letters and have few digits."""
    entropy = sum(n / len(word) * log2(len(word) / n) for n in Counter(word).values())
    return entropy >= 3.3 and sum(letter.isdigit() for letter in word) >= 2 and any(map(str.isalpha, word))


def _is_chance(word: str) -> bool:
    """Hex, or large and small letters with digits: a name of 43 letters is neither."""
    kinds = (str.isupper, str.islower, str.isdigit)
    return _is_mixed(word) and (len(word) == 64 or all(any(map(kind, word)) for kind in kinds))
