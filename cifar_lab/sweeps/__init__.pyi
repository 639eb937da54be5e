from .options import SweepOptions as SweepOptions
