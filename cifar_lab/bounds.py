"""Numbers with their allowed range in the type, so that the configuration check can read it off.

A constructor that says ``epochs: PositiveInt`` needs no check of its own: the values of a
configuration are held against these annotations before anything is built.
"""

from __future__ import annotations

import math
from typing import Annotated

from annotated_types import Ge, Gt, Le, Len, Lt

PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
AtLeastTwo = Annotated[int, Ge(2)]
PositiveFloat = Annotated[float, Gt(0), Lt(math.inf)]
NonNegativeFloat = Annotated[float, Ge(0), Lt(math.inf)]
AtLeastOne = Annotated[float, Ge(1), Lt(math.inf)]
Fraction = Annotated[float, Ge(0), Lt(1)]
UnitInterval = Annotated[float, Ge(0), Le(1)]
SomeNames = Annotated[tuple[str, ...], Len(1)]
PositiveShare = Annotated[float, Gt(0), Le(1)]
