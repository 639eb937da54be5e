from .compose import Composer as Composer
from .compose import config_folder as config_folder
from .compose import job_part as job_part
from .preflight import Preflight as Preflight
from .space import read_space as read_space
