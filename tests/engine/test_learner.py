"""One forward pass and one evaluation, compared with plain torch."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from sklearn.metrics import accuracy_score
from torch import nn

from cifar_lab.data.loaders import Batch
from cifar_lab.data.mixing import MixedBatch
from cifar_lab.engine.learner import Learner

CPU = torch.device("cpu")


def test_loss_and_logits_are_those_of_model_and_criterion():
    learner = make_learner()
    (batch,) = batches(6)
    learner.model.eval()
    loss, logits = learner.loss_and_logits(batch)
    expected = learner.model(batch.images)
    torch.testing.assert_close(logits, expected)
    torch.testing.assert_close(loss, F.cross_entropy(expected, batch.labels))


@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [0.5, 0.8, 1.0])
def test_the_loss_of_a_mixed_batch_is_that_of_mixed_one_hot_targets(weight, label_smoothing):
    learner = make_learner()
    learner.criterion = nn.CrossEntropyLoss(label_smoothing=label_smoothing)
    (batch,) = batches(6)
    partners = batch.labels.roll(1)
    learner.model.eval()
    loss, logits = learner.loss_and_logits(MixedBatch(*batch, partners, torch.tensor(weight)))
    targets = weight * F.one_hot(batch.labels, 5) + (1 - weight) * F.one_hot(partners, 5)
    expected = F.cross_entropy(logits, targets, label_smoothing=label_smoothing)
    torch.testing.assert_close(loss, expected)


def test_a_mixed_batch_that_nothing_was_mixed_in_has_the_loss_of_a_plain_one():
    learner = make_learner()
    (batch,) = batches(6)
    learner.model.eval()
    mixed, _ = learner.loss_and_logits(MixedBatch(*batch, batch.labels, torch.tensor(1.0)))
    assert torch.equal(mixed, learner.loss_and_logits(batch)[0])


def test_another_model_can_be_asked():
    learner, other = make_learner(), nn.Sequential(nn.Flatten(), nn.Linear(48, 5))
    (batch,) = batches(6)
    _, logits = learner.loss_and_logits(batch, other)
    torch.testing.assert_close(logits, other(batch.images))


def test_in_bfloat16_weights_gradients_logits_and_loss_are_float32():
    learner = make_learner("bfloat16")
    computed = []
    learner.model[-1].register_forward_hook(lambda _m, _i, output: computed.append(output.dtype))
    (batch,) = batches(6)
    loss, logits = learner.loss_and_logits(batch)
    loss.backward()
    assert computed == [torch.bfloat16]
    assert (loss.dtype, logits.dtype) == (torch.float32, torch.float32)
    for parameter in learner.model.parameters():
        assert (parameter.dtype, parameter.grad.dtype) == (torch.float32, torch.float32)


def test_predictions_are_those_of_every_image_in_order():
    learner = make_learner()
    uneven = batches(4, 4, 1)
    images, labels = (torch.cat(parts) for parts in zip(*uneven, strict=True))
    logits, metrics = learner.predict(uneven, learner.model)
    expected = learner.model.eval()(images).detach()
    torch.testing.assert_close(logits, expected)
    result = metrics.result()
    assert result.loss == pytest.approx(F.cross_entropy(expected, labels).item(), rel=1e-6)
    assert result.accuracy == pytest.approx(accuracy_score(labels, expected.argmax(1)), rel=1e-12)
    assert result.count == 9


@pytest.mark.parametrize("training", [False, True])
def test_predicting_leaves_the_model_as_it_was(training):
    learner = make_learner()
    learner.model.train(training)
    before = {name: value.clone() for name, value in learner.model.state_dict().items()}
    logits, _ = learner.predict(batches(4), learner.model)
    assert not logits.requires_grad
    assert all(module.training is training for module in learner.model.modules())
    after = learner.model.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert all(parameter.grad is None for parameter in learner.model.parameters())


def test_the_mode_is_restored_when_predicting_fails():
    learner = make_learner()

    def broken():
        yield from batches(2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        learner.predict(broken(), learner.model)
    assert learner.model.training


def test_test_time_flips_average_the_logits_of_image_and_mirror_image():
    learner = make_learner(test_time_flips=True)
    (batch,) = batches(6)
    logits, metrics = learner.predict([batch], learner.model)
    learner.model.eval()
    mirrored = torch.from_numpy(batch.images.numpy()[..., ::-1].copy())
    with torch.no_grad():
        expected = (learner.model(batch.images) + learner.model(mirrored)) / 2
    torch.testing.assert_close(logits, expected)
    assert metrics.result().loss == pytest.approx(F.cross_entropy(expected, batch.labels).item())
    plain, _ = learner.predict([batch], learner.model, flips=False)
    with torch.no_grad():
        torch.testing.assert_close(plain, learner.model(batch.images))


def make_learner(precision: str = "float32", test_time_flips: bool = False) -> Learner:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Flatten(), nn.Linear(48, 8), nn.Linear(8, 5)
    )
    return Learner(model, nn.CrossEntropyLoss(), CPU, precision, test_time_flips)


def batches(*sizes: int) -> list[Batch]:
    generator = torch.Generator().manual_seed(1)
    return [
        Batch(
            torch.randn(size, 3, 4, 4, generator=generator),
            torch.randint(0, 5, (size,), generator=generator),
        )
        for size in sizes
    ]
