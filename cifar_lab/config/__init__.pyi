from .compose import Composer as Composer
from .compose import config_folder as config_folder
from .compose import job_part as job_part
from .preflight import Preflight as Preflight
from .sweeps import sweep_jobs as sweep_jobs
