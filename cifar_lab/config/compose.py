"""Uses Hydra to find configuration groups, compose them and start jobs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from hydra import version
from hydra._internal.callbacks import Callbacks
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra._internal.utils import create_config_search_path
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus, run_job
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.sweeper import Sweeper  # noqa: F401  # Plugins needs the module loaded
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf, open_dict, read_write
from yaml import YAMLError

import cifar_lab
from cifar_lab.config.resolution import saved_form
from cifar_lab.nodes import NOT_OF_A_RUN
from cifar_lab.own_code import OwnCode, beside
from cifar_lab.refusal import Refusal
from cifar_lab.run.yaml_text import refuse_unloadable, yaml_problem
from cifar_lab.wording import first_sentence, shortened

CONFIG_NAME = "config"
#: Holds folders of recorded runs, possibly very many, which Hydra would mistake for groups.
RECORDED = "experiments/results"


def config_folder() -> Path:
    """Return the folder of groups: inside an installed package, or beside it in a checkout."""
    package = Path(cifar_lab.__file__).resolve().parent
    installed, checkout = package / "conf", package.parent / "conf"
    return installed if installed.is_dir() else checkout


class CheckedFiles(FileConfigSource):
    """Reads YAML files for Hydra, and refuses those that would take it forever."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Load a file.

        Raises:
            Refusal: it could not be read, is not a mapping, or has too many or too deep values.
        """
        path = Path(self.path) / self._normalize_file_name(config_path)
        if path.is_file() and config_folder() not in path.parents:  # ours take time to check
            refuse_unloadable(path, _text(path))
        try:
            result = super().load_config(config_path)
        except YAMLError as error:
            raise Refusal(f"{path} could not be read: {yaml_problem(error)}") from error
        except OSError as error:  # a file that holds a single number
            raise Refusal(f"{path} must contain keys and values, e.g. seed: 1") from error
        if not OmegaConf.is_dict(result.config):
            raise Refusal(f"{path} must contain keys and values, e.g. seed: 1")
        return result


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise Refusal(f"{path} could not be read: {first_sentence(error)}") from error


class Composer:
    """Composes configurations from the packaged groups and, if given, the user's own.

    Args:
        config_dir: folder with additional groups; its ``experiments/`` holds experiments. Where it
            has an option with the name of a packaged one, its own is used.
        own: where modules of the user's own may come from; None for those beside ``config_dir``
            and in the current folder.

    Raises:
        Refusal: ``config_dir`` is not a directory.
    """

    def __init__(self, config_dir: str | None = None, own: OwnCode | None = None) -> None:
        version.setbase("1.3")
        search_path = create_config_search_path(str(config_folder()))
        if config_dir is not None:
            if not os.path.isdir(config_dir):  # also where the path is too long
                raise Refusal(
                    f"--config-dir={shortened(config_dir, 200)} is not a directory; choose one "
                    "that exists"
                )
            search_path.prepend(
                provider="command-line",
                path=f"file://{os.path.abspath(config_dir)}",
                anchor=SearchPathQuery(provider="main"),
            )
        GlobalHydra.instance().clear()
        Plugins.instance()  # registers Hydra's reader of files, which ours replaces
        SourcesRegistry.instance().types[CheckedFiles.scheme()] = CheckedFiles
        self.config_dir = None if config_dir is None else os.path.abspath(config_dir)
        self._own = own
        self.hydra = Hydra.create_main_hydra2("cifar_lab", search_path)

    def own_code(self) -> OwnCode:
        """Return where modules of the user's own may come from."""
        return beside(self.config_dir, Path.cwd()) if self._own is None else self._own

    def replaced(self, config: DictConfig) -> list[str]:
        """Return the files of the user's own that were composed instead of packaged ones.

        Args:
            config: as composed; includes Hydra's node.

        Returns:
            Paths relative to ``config_dir``, such as ``model/resnet18.yaml``.
        """
        if self.config_dir is None:
            return []
        names = [CONFIG_NAME]
        for group, chosen in config.hydra.runtime.choices.items():
            options = chosen if OmegaConf.is_list(chosen) else [chosen]
            names += [f"{group}/{option}" for option in options if option is not None]
        own, packaged = Path(self.config_dir), config_folder()
        files = [f"{name}.yaml" for name in names]
        return [
            file
            for file in files
            if (own / file).is_file()
            and (packaged / file).is_file()
            and not (own / file).samefile(packaged / file)
        ]

    @property
    def loader(self) -> ConfigLoader:
        """Hydra's own loader."""
        return self.hydra.config_loader

    def groups(self) -> list[str]:
        """Return the names of all groups except Hydra's own, nested ones as ``parent/child``."""

        def below(prefix: str) -> list[str]:
            found = []
            for name in self._listed(prefix, ObjectType.GROUP):
                path = f"{prefix}/{name}" if prefix else name
                if path not in (RECORDED, "hydra"):
                    found += [path, *below(path)]
            return found

        return below("")

    def options(self, group: str) -> list[str]:
        """Return the options of a group."""
        return self._listed(group, ObjectType.CONFIG)

    def _listed(self, group: str, kind: ObjectType) -> list[str]:
        """Return what a group contains, sorted; the loader would copy itself for each listing."""
        return list(self.loader.repository.get_group_options(group, kind))  # type: ignore[attr-defined]

    def chosen(self, group: str, overrides: Sequence[str]) -> list[str]:
        """Return the options of a group that are composed with overrides, in their order."""
        found = self.loader.compute_defaults_list(CONFIG_NAME, list(overrides), RunMode.RUN)
        paths = [str(each.config_path) for each in found.defaults]
        return [path.removeprefix(f"{group}/") for path in paths if path.startswith(f"{group}/")]

    def is_hydras_group(self, name: str) -> bool:
        """Whether a group of Hydra's own has this name, e.g. ``hydra/launcher``."""
        return name.startswith("hydra/") and bool(self.options(name))

    def compose(self, overrides: Sequence[str], run_mode: RunMode = RunMode.RUN) -> DictConfig:
        """Compose the configuration, including Hydra's own node.

        Raises:
            HydraException: an override cannot be applied.
        """
        return self.loader.load_configuration(
            config_name=CONFIG_NAME, overrides=list(overrides), run_mode=run_mode, from_shell=False
        )

    def launch(self, config: DictConfig, task: Callable[[DictConfig], Any]) -> Any:
        """Run a job in its own folder; exceptions propagate."""
        job = run_job(
            task_function=task,
            config=_single(config),
            job_dir_key="hydra.run.dir",
            job_subdir_key=None,
            hydra_context=HydraContext(self.loader, Callbacks(config)),
            configure_logging=False,
        )
        if job.status != JobStatus.COMPLETED:
            raise job._return_value  # .return_value would first print a message of Hydra's
        return job.return_value

    def sweep(
        self, overrides: Sequence[str], task: Callable[[dict[str, Any], SweptJob], Any]
    ) -> None:
        """Let Hydra's chosen sweeper run jobs.

        Args:
            overrides: any of them may list values or ranges, which the sweeper expands.
            task: called with a job's configuration as plain values, and what else it needs; its
                result is the job's objective.
        """

        def job(config: DictConfig) -> Any:
            hydra = HydraConfig.get()
            files, own = hydra_texts(saved_form(config), config, hydra), list(hydra.overrides.task)
            replaced = tuple(self.replaced(OmegaConf.create({"hydra": hydra})))
            swept = SweptJob(hydra.runtime.output_dir, own, files, replaced)
            return task(job_part(config), swept)

        Plugins.instance()
        self.hydra.multirun(CONFIG_NAME, job, list(overrides), with_log_configuration=True)


class SweptJob(NamedTuple):
    """A job of a sweep.

    Attributes:
        path: of its folder.
        overrides: its own.
        files: content of the files in ``.hydra/``, by name.
        replaced: as in :meth:`Composer.replaced`.
    """

    path: str
    overrides: list[str]
    files: dict[str, str]
    replaced: tuple[str, ...]


def hydra_files(config: DictConfig) -> dict[str, str]:
    """Return the content of the files in the ``.hydra/`` of a single run, by name."""
    job, saved = _single(config), saved_form(config)
    hydra = job.pop("hydra")
    job.pop("sweep", None)
    with read_write(hydra), open_dict(hydra):
        hydra.runtime.output_dir = os.path.abspath(str(config.hydra.run.dir))
    return hydra_texts(saved, job, hydra)


def hydra_texts(saved: dict[str, Any], job: Any, hydra: Any) -> dict[str, str]:
    """Return the content of the files in ``.hydra/``, by name.

    Args:
        saved: the configuration as a run keeps it.
        job: the same, with its interpolations as they were written.
        hydra: Hydra's node.
    """
    return {
        "config.yaml": OmegaConf.to_yaml(OmegaConf.create(saved)),
        "written.yaml": OmegaConf.to_yaml(OmegaConf.create(job)),
        "hydra.yaml": OmegaConf.to_yaml(OmegaConf.create({"hydra": hydra})),
        "overrides.yaml": OmegaConf.to_yaml(hydra.overrides.task),
    }


def _single(config: DictConfig) -> DictConfig:
    """Return a copy for a job of its own, that can be changed."""
    single = config.copy()
    OmegaConf.set_readonly(single, False)
    OmegaConf.set_struct(single, False)
    single.hydra.mode = RunMode.RUN
    return single


def job_part(config: DictConfig) -> dict[str, Any]:
    """Return the part of a configuration that is a run's own, as plain values, resolved.

    Raises:
        OmegaConfBaseException: an interpolation refers to a key that does not exist.
    """
    job = config.copy()
    OmegaConf.set_readonly(job, False)
    OmegaConf.set_struct(job, False)
    for key in NOT_OF_A_RUN:
        job.pop(key, None)
    plain = OmegaConf.to_container(job, resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}
