"""Refuses values that do not fit the model, the images or the length of the run."""

from __future__ import annotations

from torch import nn
from torch.optim import Optimizer

from cifar_lab.engine.plan import Plan
from cifar_lab.optim.schedules import Schedule, cycles_momentum
from cifar_lab.refusal import Refusal
from cifar_lab.wording import plural

#: Largest number of optimizer steps in a run; 600 epochs of ImageNet in batches of 256 have three
#: million.
MOST_STEPS = 5_000_000
#: Smallest side in pixels to which images may be resized: networks halve it several times.
SMALLEST_IMAGE = 8


def refuse_nothing_evaluated(evaluate_test: bool, validated: bool | None) -> None:
    """Refuse a run without any images to evaluate.

    Args:
        evaluate_test: whether it evaluates the test images.
        validated: whether it has validation images; None if unknown as yet.
    """
    if not evaluate_test and validated is False:
        raise Refusal(
            "evaluate_test=false needs validation images, which are evaluated instead, but there "
            "are none; hold some out with dataset.validation_fraction=0.1, or set "
            "evaluate_test=true"
        )


def refuse_idle_freezing(after_epochs: dict[str, int], model: nn.Module) -> None:
    """Refuse names to freeze that match no parameter, and names that leave none to train."""
    names = [name for name, _ in model.named_parameters()]
    begin = ", ".join(dict.fromkeys(name.split(".")[0] for name in names))
    idle = [b for b in after_epochs if not any(n.startswith(b) for n in names)]
    if idle:
        raise Refusal(
            [
                f"trainer.freeze_after_epochs.{name}: no parameter name of "
                f"{type(model).__name__} begins with '{name}'; the names begin with: {begin}"
                for name in idle
            ]
        )
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    if after_epochs and all(name.startswith(tuple(after_epochs)) for name in trained):
        raise Refusal(
            "trainer.freeze_after_epochs freezes every parameter after "
            f"{plural(max(after_epochs.values()), 'epoch', 'epochs')}, so that nothing is trained; "
            f"leave one of these out: {begin}"
        )


def refuse_values_beyond_the_run(plan: Plan, steps: int) -> None:
    """Refuse values that have no effect, or the wrong one, in a run of this length.

    Args:
        plan: the plan, whose limits do not count.
        steps: number of updates of the whole run.
    """
    problems = [
        f"trainer.freeze_after_epochs.{name}={after}: a run of {plan.epochs} epochs ends before; "
        f"choose at most {plan.epochs - 1}, or remove it"
        for name, after in plan.freeze_after_epochs.items()
        if after >= plan.epochs
    ]
    patience, decay = plan.early_stopping_patience, plan.ema_decay
    if patience is not None and patience >= plan.epochs:
        problems.append(
            f"trainer.early_stopping_patience={patience} never stops a run of {plan.epochs} "
            "epochs; lower it, or set it to null"
        )
    if decay is not None and not plan.ema_warmup and (1 - decay) * steps < 1:
        problems.append(
            f"trainer.ema_decay={decay} averages over about {1 / (1 - decay):,.0f} steps, but the "
            f"run has {steps:,}: mostly the initial weights would be evaluated; lower it, or set "
            "trainer.ema_warmup=true"
        )
    if problems:
        raise Refusal(problems)


def refuse_image_sizes(plan: Plan, image_size: tuple[int, int] | None) -> None:
    """Refuse sizes that images cannot be trained in, and epochs that do not order them.

    Args:
        plan: with the sizes.
        image_size: height and width of the data set's images; None if unknown.
    """
    if plan.image_sizes is None:
        return
    epochs = [epoch for epoch, _ in plan.image_sizes]
    own = None if image_size is None else min(image_size)
    given = [[epoch, size] for epoch, size in plan.image_sizes]
    problems = []
    if epochs[:1] != [0]:
        problems.append("the first pair must be of epoch 0, e.g. [[0, 24], [3, 32]]")
    if epochs != sorted(set(epochs)):
        problems.append("the epochs must be in ascending order, each once")
    problems += [
        f"epoch {epoch} is not reached by a run of {plan.epochs} epochs, counted from 0; choose at "
        f"most {plan.epochs - 1}"
        for epoch in epochs
        if epoch >= plan.epochs
    ]
    problems += [
        f"{size} pixels are fewer than {SMALLEST_IMAGE}, the smallest size that may be chosen"
        for _, size in plan.image_sizes
        if size < SMALLEST_IMAGE
    ]
    problems += [
        f"{size} pixels are more than the {own} of the data set's images; choose at most {own}"
        for _, size in plan.image_sizes
        if own is not None and size > own
    ]
    if problems:
        raise Refusal([f"trainer.image_sizes={given}: {problem}" for problem in problems])


def refuse_no_momentum(schedule: Schedule, optimizer: Optimizer) -> None:
    """Refuse a schedule that cycles the momentum of an optimizer without any."""
    lacking = any(not {"betas", "momentum"} & set(group) for group in optimizer.param_groups)
    if lacking and cycles_momentum(schedule):
        raise Refusal(
            f"scheduler.cycle_momentum=true: {type(optimizer).__name__} has neither betas nor a "
            "momentum to cycle; set scheduler.cycle_momentum=false, or choose an optimizer that "
            "has one, e.g. optimizer=adam or optimizer=sgd"
        )


def refuse_large_batch(plan: Plan, processes: int, images: int | None) -> None:
    """Refuse steps larger than the training split, and last batches smaller than ``processes``.

    Args:
        plan: defines the number of images per step.
        processes: number of processes that train together.
        images: number of training images; None if unknown.
    """
    if images is None:
        return
    size, accumulated = plan.batch_size, plan.accumulate_batches
    factors = [(f"trainer.accumulate_batches={accumulated}", accumulated)]
    factors += [(f"{processes} processes", processes)]
    if plan.images_per_step(processes) > images:
        times = "".join(f" times {name}" for name, factor in factors if factor > 1)
        raise Refusal(
            f"trainer.batch_size={size}{times} is larger than the {images} training images; "
            "reduce it"
        )
    left = images % (size * processes)
    if 0 < left < processes:
        raise Refusal(
            f"trainer.batch_size={size} leaves a last batch of {left} of the {images} training "
            f"images for {processes} processes; choose a different batch size or trainer.devices"
        )


def refuse_endless_run(plan: Plan, steps_per_epoch: int) -> None:
    """Refuse a run whose steps are too many to plan, as checks and reports list all of them."""
    steps = plan.epochs * steps_per_epoch
    if steps > MOST_STEPS:
        raise Refusal(
            f"trainer.epochs={plan.epochs}: {steps:,} steps are more than the {MOST_STEPS:,} that "
            "a run may have; reduce the epochs, or increase trainer.batch_size"
        )
