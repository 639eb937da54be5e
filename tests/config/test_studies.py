"""The published studies: their configurations match tables written from the published texts."""

from __future__ import annotations

import numpy as np
import pytest

from cifar_lab.assembly import parts, updates
from cifar_lab.config.compose import Composer, job_part
from cifar_lab.models.custom_resnet import CustomResNet
from cifar_lab.models.resnet import ResNet18
from cifar_lab.nodes import without_taken

#: name: (model, epochs, batch, maximum, first rate over last, hole, steps of augmentation,
#: optimizer's target and settings)
STUDIES = {
    "s10_custom_resnet": (
        CustomResNet, 24, 512, 0.057, 1, 8, ["crop", "flip", "cutout"], ("adam", 1e-4, None),
    ),
    "s10_custom_resnet_as_run": (
        CustomResNet, 24, 512, 0.057, 100, 8, ["crop", "flip", "cutout"], ("adam", 1e-4, None),
    ),
    "s10_custom_resnet_cycled_momentum": (
        CustomResNet, 24, 512, 0.057, 100, 8, ["crop", "flip", "cutout"], ("adam", 1e-4, None),
    ),
    "s11_resnet18": (
        ResNet18, 20, 512, 0.02656, 100, 16, ["crop", "flip", "cutout"], ("sgd", 0, 0.9),
    ),
    "s12_custom_resnet_lightning": (
        CustomResNet, 20, 512, 0.3765, 100, 8, ["crop", "flip", "cutout"], ("sgd", 0, 0.9),
    ),
    "eva6_s8_resnet18_8x8": (
        ResNet18, 20, 128, 0.05, 100, 16, ["crop", "flip", "affine", "cutout"], ("sgd", 0, 0.9),
    ),
    "s8_custom_resnet_gradcam": (
        CustomResNet, 24, 512, None, 1, 8, ["crop", "flip", "cutout"], ("adam", 1e-4, None),
    ),
}  # fmt: skip
IMAGES = 50_000


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer()


def job(composer: Composer, name: str) -> dict:
    return job_part(composer.compose([f"experiments={name}"]))


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_its_published_settings(composer, name):
    _, epochs, batch, maximum, _, hole, steps, (optimizer, decay, momentum) = STUDIES[name]
    config = job(composer, name)
    assert config["name"] == name
    assert config["dataset"]["validation_fraction"] == 0
    assert config["dataset"]["limit_train_images"] is None
    trainer = config["trainer"]
    assert (trainer["epochs"], trainer["batch_size"]) == (epochs, batch)
    assert trainer["test_every_epoch"]
    assert trainer["early_stopping_patience"] is trainer["limit_batches"] is None
    assert maximum in (None, config["scheduler"]["max_lr"])
    augmentation = config["augmentation"]["train"]
    assert list(augmentation) == steps
    assert (augmentation["crop"]["padding_pixels"], augmentation["crop"]["border"]) == (
        4,
        "reflect",
    )
    cutout = augmentation["cutout"]
    assert cutout["hole_height_range"] == cutout["hole_width_range"] == [hole, hole]
    assert (cutout["num_holes_range"], cutout["fill"], cutout["p"]) == ([1, 1], "mean", 0.5)
    assert augmentation["flip"]["p"] == (0.2 if name.startswith("eva6") else 0.5)
    assert config["optimizer"]["_target_"].rsplit(".", 1)[-1] == optimizer
    assert config["optimizer"]["weight_decay"] == decay
    assert config["optimizer"].get("momentum") == momentum
    engine = "LightningTrainer" if "lightning" in name else "Trainer"
    assert trainer["_target_"].rsplit(".", 1)[-1] == engine


@pytest.mark.parametrize("name", STUDIES)
def test_one_cycle_is_meant_at_every_step(composer, name):
    """Corners and straight lines between them, as numpy draws them."""
    _, epochs, batch, _, first_over_last, *_ = STUDIES[name]
    config = job(composer, name)
    maximum = config["scheduler"]["max_lr"]
    steps_per_epoch = -(-IMAGES // batch)
    engine, _ = parts.trainer(config["trainer"])
    assert engine.plan.steps_per_epoch(IMAGES, engine.world.size) == steps_per_epoch
    schedule = updates.schedule(
        config["scheduler"], config["optimizer"]["lr"], epochs, steps_per_epoch
    )
    total = epochs * steps_per_epoch
    assert schedule.total_steps == total
    rates = [schedule.learning_rate(step) for step in range(total)]
    peak = 5 * steps_per_epoch - 1  # the last update of epoch 5
    corners = [maximum / 100, maximum, maximum / 100 / first_over_last]
    np.testing.assert_allclose(rates, np.interp(range(total), [0, peak, total - 1], corners))
    assert int(np.argmax(rates)) == peak
    assert rates[peak] == maximum
    assert min(rates) > 0
    with pytest.raises(ValueError, match="step must be in"):
        schedule.learning_rate(total)


@pytest.mark.parametrize("name", [name for name in STUDIES if name.startswith("s10")])
def test_beta1_is_cycled_against_the_learning_rate_only_where_the_name_says_so(composer, name):
    config = job(composer, name)
    schedule = updates.schedule(config["scheduler"], config["optimizer"]["lr"], 24, 98)
    momenta = [schedule.cycled_momentum(step) for step in range(24 * 98)]
    if name.endswith("cycled_momentum"):
        np.testing.assert_allclose(
            momenta, np.interp(range(2352), [0, 489, 2351], [0.95, 0.85, 0.95])
        )
    else:
        assert set(momenta) == {None}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("s10_custom_resnet", 6_573_120),
        ("s11_resnet18", 11_173_962),
        ("s12_custom_resnet_lightning", 6_573_120),
        ("eva6_s8_resnet18_8x8", 11_189_322),
        ("s8_custom_resnet_gradcam", 6_573_120),
    ],
)
def test_a_studys_network_has_the_published_parameters(composer, name, parameters):
    node = without_taken("model", job(composer, name)["model"])
    model = parts.node(node, num_classes=10)
    assert isinstance(model, STUDIES[name][0])
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
