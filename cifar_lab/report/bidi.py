"""Users' words in HTML: right-to-left ones keep to their place, and long ones break where they may.

Without isolation, the numbers and arrows around an Arabic or Hebrew name change places: of
``a → b (3)`` a reader would see ``(3) b ← a`` (Unicode Standard Annex 9, section 2.4).
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

#: Letters that are written from right to left, with their marks: Hebrew to Arabic, and the forms
#: and scripts of the higher blocks.
_LETTERS = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff"
#: Words of such letters, with what stands between them and a number that ends the text.
_WORDS = re.compile(rf"[{_LETTERS}](?:[^A-Za-z→,;:()]*[{_LETTERS}])?(?:[ _-]?\d+$)?")

#: Between a mark that joins words and the next word, of a text whose elements are ``bdi`` only.
_JOINTS = re.compile(r"(?<=\S[/_.=([-])(?<!<[/])(?=[^\W\d_])")
#: The space before a per cent sign, which must not begin a line.
_PER_CENT = re.compile(r"(?<=\d) %")
#: Invisible characters that turn all that follows them around.
_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def right_to_left(text: str) -> bool:
    """Whether a text has letters that are written from right to left."""
    return _WORDS.search(text) is not None


def isolated(text: str) -> Markup:
    """Escape a text for HTML, with its right-to-left words isolated from what is around them."""
    if isinstance(text, Markup):
        return text
    text = _PER_CENT.sub("\u00a0%", text)
    if _CONTROLS.search(text):
        return Markup("<bdi>{}</bdi>").format(text)
    parts, end = [], 0
    for found in _WORDS.finditer(text):
        parts += [escape(text[end : found.start()]), Markup("<bdi>{}</bdi>").format(found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def breakable(text: str) -> Markup:
    """The same, and lines may break after the marks that join words in names and paths."""
    return Markup(_JOINTS.sub("<wbr>", isolated(text)))
