"""Predicting and explaining in one pass, compared with doing both separately."""

from __future__ import annotations

import numpy as np
import torch

from cifar_lab.explain.attribution import attribute
from cifar_lab.explain.gradcam import gradcam_of_predictions
from cifar_lab.explain.targets import Targets
from cifar_lab.models.custom_resnet import CustomResNet


def test_predictions_are_explained_in_one_pass_as_in_two():
    torch.manual_seed(0)
    model = CustomResNet(num_classes=5, width=4)
    images = torch.randn(230, 3, 32, 32)
    maps, predicted = gradcam_of_predictions(model, "layer2", images)
    with torch.no_grad():
        classes = model.eval()(images).argmax(1)
    np.testing.assert_array_equal(predicted, classes)
    expected = attribute(
        model, "gradcam", "layer2", images, Targets.named("predicted", classes, classes)
    )
    np.testing.assert_allclose(maps, expected, rtol=1e-3, atol=1e-6)
