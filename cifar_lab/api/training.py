"""``cifar_lab.train``."""

from __future__ import annotations

from cifar_lab.api.calls import PathLike, at_work, listening, overrides_of, path_of
from cifar_lab.api.opened import Run
from cifar_lab.run.record import Run as Recorded


def train(*overrides: str, config_dir: PathLike | None = None) -> Run:
    """Train, evaluate and report one experiment, as ``cifar-lab train`` does.

        run = cifar_lab.train("experiments=digits", "seed=1")

    Args:
        overrides: as on the command line, such as ``"model=resnet18"`` or ``"optimizer.lr=0.1"``.
        config_dir: folder with further groups, as ``--config-dir``.

    Returns:
        The run, which is done.

    Raises:
        Refusal: with every problem of the configuration; nothing was written.
        RunFailed: training failed; the run's folder says how. What a model of your own raises
            is raised as it is.
        KeyboardInterrupt: it was interrupted, and saved before: ``open_run("latest").resume()``
            continues it.
        SystemExit: in a process that trained along with another one that leads the run.
    """
    words = overrides_of("train", overrides)
    with at_work():
        from cifar_lab.config.own_folder import composer_for
        from cifar_lab.recipe import launch

        composer = composer_for(path_of(config_dir))
        found, experiment = launch.prepared(composer, words)
        folder = launch.folder_of(found)
        command = launch.train_command(composer, words)
        if launch.start(composer, found, experiment, command, listening) is None:
            raise SystemExit(0)
    return Run(Recorded(folder))
