"""Number types that carry their allowed range, for the configuration check to read.

A constructor that declares ``epochs: PositiveInt`` needs no check of its own: configuration values
are validated against these annotations before anything is built.
"""

from __future__ import annotations

import math
from typing import Annotated

from annotated_types import Ge, Gt, Le, Len, Lt

PositiveInt = Annotated[int, Gt(0)]
NonNegativeInt = Annotated[int, Ge(0)]
#: How many there are of something; 64 bits, so that it can be divided.
Count = Annotated[int, Ge(0), Lt(2**63)]
AtLeastTwo = Annotated[int, Ge(2)]
PositiveFloat = Annotated[float, Gt(0), Lt(math.inf)]
NonNegativeFloat = Annotated[float, Ge(0), Lt(math.inf)]
AtLeastOne = Annotated[float, Ge(1), Lt(math.inf)]
Fraction = Annotated[float, Ge(0), Lt(1)]
UnitInterval = Annotated[float, Ge(0), Le(1)]
SomeNames = Annotated[tuple[str, ...], Len(1)]
PositiveShare = Annotated[float, Gt(0), Le(1)]
