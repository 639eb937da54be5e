"""``show``: print or draw one part of a configuration."""

from __future__ import annotations

from cifar_lab.cli.arguments import composer_of, overrides_only
from cifar_lab.cli.verbs import DONE
from cifar_lab.nodes import dataset_name
from cifar_lab.refusal import Refusal
from cifar_lab.run.folder import OUTPUTS

PARTS = ("data", "augmentation", "model", "schedule")


def show(words: list[str]) -> int:
    """Show the data, the augmentation, the model or the schedule."""
    chosen = [word for word in words if word in PARTS]
    if len(chosen) != 1:
        raise Refusal(f"`cifar-lab show` needs exactly one of: {', '.join(PARTS)}")
    flags = overrides_only([word for word in words if word != chosen[0]], "show")
    from cifar_lab.cli.process import speak
    from cifar_lab.config.preflight import preflight
    from cifar_lab.recipe import show as shows
    from cifar_lab.recipe.launch import built, images

    speak()
    found, folder = preflight(composer_of(flags), flags.overrides), OUTPUTS / "show"
    if chosen == ["data"]:
        print(shows.data(images(found), dataset_name(found.job()["dataset"]), folder))
        return DONE
    experiment = built(found, download=False)
    if chosen == ["augmentation"]:
        loader, names = experiment.loaders.train, experiment.dataset.class_names
        print(shows.augmentation(loader, experiment.plan, names, folder))
    elif chosen == ["model"]:
        size, batch_size = experiment.dataset.image_size, experiment.plan.batch_size
        print(shows.model(experiment.learner.model, size, batch_size))
    else:
        print(shows.schedule(experiment.schedule, experiment.finds_max_lr, folder))
    return DONE
