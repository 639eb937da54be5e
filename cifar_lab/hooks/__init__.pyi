from .base import Hook as Hook
from .base import RunView as RunView
from .confusions import ConfusionsByEpoch as ConfusionsByEpoch
from .gradient_norm import GradientNorm as GradientNorm
