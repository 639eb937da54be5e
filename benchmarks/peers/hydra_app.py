"""A bare Hydra app with the same groups: ``hydra_app.py CONF_FOLDER [arguments]``."""

from __future__ import annotations

import sys

import hydra
from omegaconf import DictConfig, OmegaConf


def main(folder: str) -> None:
    """Composes the configuration and prints it."""

    @hydra.main(version_base="1.3", config_path=folder, config_name="config")
    def app(config: DictConfig) -> None:
        print(OmegaConf.to_yaml(config))

    app()


if __name__ == "__main__":
    main(sys.argv.pop(1))
