from .api import Bundle as Bundle
from .api import Comparison as Comparison
from .api import Run as Run
from .api import Runs as Runs
from .api import Sweep as Sweep
from .api import ablate as ablate
from .api import compare as compare
from .api import open_bundle as open_bundle
from .api import open_run as open_run
from .api import open_sweep as open_sweep
from .api import runs as runs
from .api import sweep as sweep
from .api import train as train
from .refusal import Refusal as Refusal
from .refusal import RunFailed as RunFailed

__version__: str
