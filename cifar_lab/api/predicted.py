"""What a run's network makes of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cifar_lab.api.table import Table
from cifar_lab.refusal import Refusal
from cifar_lab.wording import percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Predicted:
    """Predictions of images, in their order.

    Args:
        logits: float32 ``(n, classes)``.
        class_names: in the order of the classes.
    """

    def __init__(self, logits: NDArray[np.float32], class_names: Sequence[str]) -> None:
        self.logits = logits
        self.class_names = tuple(class_names)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Softmax of the logits: float32 ``(n, classes)``."""
        import numpy as np

        from cifar_lab.analysis.predictions import softmax

        return softmax(self.logits).astype(np.float32)

    @property
    def labels(self) -> list[str]:
        """Name of the most probable class of each image."""
        return [self.class_names[number] for number in self.logits.argmax(axis=1)]

    def top(self, k: int = 5) -> list[list[tuple[str, float]]]:
        """Return the ``k`` most probable classes of each image, the first first, and how probable.

        Raises:
            Refusal: ``k`` is less than 1.
        """
        if k < 1:
            raise Refusal(f"top({k}): must be at least 1")
        from cifar_lab.analysis.predictions import most_probable

        ranked = most_probable(self.logits, self.class_names, k)
        return [[(each.name, each.probability) for each in best] for best in ranked]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.logits)

    def __repr__(self) -> str:
        return repr(self._table())

    def _repr_html_(self) -> str:
        return self._table()._repr_html_()

    def _table(self) -> Table:
        shown = []
        for number, best in enumerate(self.top(3)):
            ranked = {f"{n}.": f"{name} ({percent(p)})" for n, (name, p) in enumerate(best, 1)}
            shown.append({"image": number, **ranked})
        return Table(shown)
