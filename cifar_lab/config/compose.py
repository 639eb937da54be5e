"""Hydra as this project uses it: where the groups lie, how they compose, how a job starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra import version
from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus, run_job
from hydra.plugins.sweeper import Sweeper  # noqa: F401  # Plugins needs the module loaded
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

import cifar_lab
from cifar_lab.refusal import Refusal
from cifar_lab.run.find import new_folder

CONFIG_NAME = "config"
#: Folders of recorded runs, which Hydra takes for groups; there may be very many.
RECORDED = "experiments/results"


def config_folder() -> Path:
    """The groups: inside an installed package, beside it in a checkout."""
    package = Path(cifar_lab.__file__).resolve().parent
    installed, checkout = package / "conf", package.parent / "conf"
    return installed if installed.is_dir() else checkout


class Composer:
    """Composes configurations from the packaged groups and, if given, a user's own.

    Args:
        config_dir: a folder with further groups; its ``experiments/`` holds experiments.

    Raises:
        Refusal: the folder does not exist.
    """

    def __init__(self, config_dir: str | None = None) -> None:
        version.setbase("1.3")
        # Cached, as a configuration is asked several times where its run lies.
        OmegaConf.register_new_resolver(
            "run_folder", lambda name: new_folder(name).as_posix(), use_cache=True, replace=True
        )
        search_path = create_config_search_path(str(config_folder()))
        if config_dir is not None:
            if not Path(config_dir).is_dir():
                raise Refusal(f"--config-dir={config_dir} is no folder; name one that exists")
            search_path.prepend(
                provider="command-line",
                path=f"file://{os.path.abspath(config_dir)}",
                anchor=SearchPathQuery(provider="schema"),  # Hydra wants its schemas last
            )
        GlobalHydra.instance().clear()
        self.config_dir = config_dir
        self.hydra = Hydra.create_main_hydra2("cifar_lab", search_path)

    @property
    def loader(self) -> ConfigLoader:
        """Hydra's own loader."""
        return self.hydra.config_loader

    def groups(self) -> list[str]:
        """Names of all groups, nested ones as ``parent/child``, Hydra's own left out."""

        def below(prefix: str) -> list[str]:
            found = []
            for name in self.loader.list_groups(prefix):
                path = f"{prefix}/{name}" if prefix else name
                if path != RECORDED:
                    found += [path, *below(path)]
            return found

        return [group for group in below("") if group.split("/")[0] != "hydra"]

    def options(self, group: str) -> list[str]:
        """Options of a group."""
        return sorted(self.loader.get_group_options(group, ObjectType.CONFIG))

    def compose(self, overrides: Sequence[str], run_mode: RunMode = RunMode.RUN) -> DictConfig:
        """The configuration, Hydra's own node included.

        Raises:
            HydraException: an override does not fit.
        """
        return self.loader.load_configuration(
            config_name=CONFIG_NAME, overrides=list(overrides), run_mode=run_mode, from_shell=False
        )

    def launch(self, config: DictConfig, task: Callable[[DictConfig], Any]) -> Any:
        """Runs a job in its own folder, where Hydra keeps ``.hydra/``; errors pass through."""
        with_mode = config.copy()
        OmegaConf.set_readonly(with_mode, False)
        with_mode.hydra.mode = RunMode.RUN
        job = run_job(
            task_function=task,
            config=with_mode,
            job_dir_key="hydra.run.dir",
            job_subdir_key=None,
            hydra_context=HydraContext(self.loader, Callbacks(with_mode)),
            configure_logging=False,
        )
        if job.status != JobStatus.COMPLETED:
            raise job._return_value  # .return_value would print a line of Hydra's first
        return job.return_value

    def sweep(
        self, overrides: Sequence[str], task: Callable[[dict[str, Any], str, list[str]], None]
    ) -> None:
        """Runs a job for each combination of the overrides' values, as Hydra does.

        Args:
            overrides: with several values where they are to be combined.
            task: is handed a job's configuration as plain values, its folder and its overrides.
        """

        def job(config: DictConfig) -> None:
            hydra = HydraConfig.get()
            task(job_part(config), hydra.runtime.output_dir, list(hydra.overrides.task))

        Plugins.instance()
        self.hydra.multirun(CONFIG_NAME, job, list(overrides), with_log_configuration=True)


def job_part(config: DictConfig) -> dict[str, Any]:
    """The configuration as plain values, interpolations resolved, without Hydra's node.

    Raises:
        OmegaConfBaseException: an interpolation points nowhere.
    """
    job = config.copy()
    OmegaConf.set_readonly(job, False)
    OmegaConf.set_struct(job, False)
    job.pop("hydra", None)
    plain = OmegaConf.to_container(job, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
