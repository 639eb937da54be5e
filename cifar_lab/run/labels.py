"""labels.json: what people say of a run: tags to find it by, and a note."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import AfterValidator, Field

from cifar_lab.refusal import Refusal
from cifar_lab.wording import shortened

#: A tag is one word, so that it can be typed, compared and shown.
TAG = re.compile(r"[A-Za-z0-9_.-]{1,50}")
#: Longest note, in characters.
LONGEST_NOTE = 10_000


def _one_word(tag: str) -> str:
    """Refuses what is not a tag; for values that are read, too."""
    if TAG.fullmatch(tag) is None:
        raise ValueError("must be one word of at most 50 letters, digits, '_', '.' and '-'")
    return tag


@dataclass(frozen=True)
class Labels:
    """What people say of a run.

    Attributes:
        tags: sorted; each at most once.
        note: any text; empty without one.
    """

    tags: tuple[Annotated[str, AfterValidator(_one_word)], ...]
    note: Annotated[str, Field(max_length=LONGEST_NOTE)]

    @classmethod
    def none(cls) -> Labels:
        """Labels of a run that nobody has labelled."""
        return cls((), "")

    def tagged(self, tag: str) -> Labels:
        """The labels with a tag.

        Raises:
            Refusal: it is not one word.
        """
        try:
            return replace(self, tags=tuple(sorted({*self.tags, _one_word(tag)})))
        except ValueError as error:
            raise Refusal(
                f"the tag {shortened(tag)!r} {error}; use `cifar-lab note` for text"
            ) from error

    def untagged(self, tag: str) -> Labels:
        """The labels without a tag.

        Raises:
            Refusal: they do not have it.
        """
        if tag not in self.tags:
            has = f"its tags are: {', '.join(self.tags)}" if self.tags else "it has no tags"
            raise Refusal(f"the run has no tag {shortened(tag)!r}; {has}")
        return replace(self, tags=tuple(each for each in self.tags if each != tag))

    def noted(self, note: str) -> Labels:
        """The labels with another note; an empty one removes it.

        Raises:
            Refusal: it is too long.
        """
        if len(note) > LONGEST_NOTE:
            raise Refusal(
                f"a note may have at most {LONGEST_NOTE:,} characters, got {len(note):,}; keep "
                "longer text in a file and note its name"
            )
        return replace(self, note=note)
