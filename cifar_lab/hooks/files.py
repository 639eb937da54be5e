"""The files that a hook adds to its run."""

from __future__ import annotations

import re

from cifar_lab.hooks.columns import Unfit
from cifar_lab.run.store import Store
from cifar_lab.wording import plural, shortened, size

#: What a file may be called.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


class HookFiles:
    """Files in ``hooks/NAME/`` of the run's folder, with entries in its manifest.

    Args:
        files: of the run.
        hook: its name.
    """

    def __init__(self, files: Store, hook: str) -> None:
        self._files = files
        self._hook = hook
        self._sizes: dict[str, int] = {}

    def write(self, name: str, content: str | bytes) -> None:
        """Write a file; one of the same name is replaced.

        Raises:
            Unfit: the name is not a plain one, or the content is neither text nor bytes.
            OSError: it could not be written.
        """
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise Unfit(
                f"a file must have a name of at most 100 letters, digits, '_', '.' and '-' that "
                f"begins with a letter or a digit, got {shortened(repr(name))}"
            )
        if not isinstance(content, (str, bytes)):
            raise Unfit(f"{name} must be given as text or bytes, got {type(content).__name__}")
        plain = content.encode() if isinstance(content, str) else content
        self._files.folder.require()
        self._files.write({self._files.folder.hook_file(self._hook, name): plain})
        self._sizes[name] = len(plain)

    def read(self, name: str) -> bytes | None:
        """Read a file; None if there is none.

        Raises:
            Refusal: it is not the file that was written.
        """
        path = self._files.folder.hook_file(self._hook, name)
        return self._files.read(path) if self._files.has(path) else None

    def described(self) -> str | None:
        """What was written, for the log; None if nothing was."""
        if not self._sizes:
            return None
        where = self._files.folder.hook_file(self._hook, "")
        count = plural(len(self._sizes), "file", "files")
        return f"hooks.{self._hook}: {count}, {size(sum(self._sizes.values()))}, in {where}"
