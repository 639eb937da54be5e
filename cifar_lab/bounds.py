"""Number types that carry their allowed range, for the configuration check to read.

A constructor that declares ``epochs: PositiveInt`` needs no check of its own: configuration values
are validated against these annotations before anything is built.
"""

from __future__ import annotations

import math
from typing import Annotated

from annotated_types import Ge, Gt, Le, Len, Lt

#: Far beyond any sensible count, and small enough for every library's integers.
LARGEST = 10**9
PositiveInt = Annotated[int, Gt(0), Le(LARGEST)]
NonNegativeInt = Annotated[int, Ge(0), Le(LARGEST)]
#: As far as all libraries accept one.
Seed = Annotated[int, Ge(0), Lt(2**32)]
#: A number of epochs; more would be a mistake, and would be planned step by step.
Epochs = Annotated[int, Gt(0), Le(10**6)]
AtLeastTwo = Annotated[int, Ge(2), Le(LARGEST)]
#: How many there are of something; 64 bits, so that it can be divided.
Count = Annotated[int, Ge(0), Lt(2**63)]
PositiveFloat = Annotated[float, Gt(0), Lt(math.inf)]
NonNegativeFloat = Annotated[float, Ge(0), Lt(math.inf)]
AtLeastOne = Annotated[float, Ge(1), Lt(math.inf)]
Fraction = Annotated[float, Ge(0), Lt(1)]
UnitInterval = Annotated[float, Ge(0), Le(1)]
SomeNames = Annotated[tuple[str, ...], Len(1)]
PositiveShare = Annotated[float, Gt(0), Le(1)]
