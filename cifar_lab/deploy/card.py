"""The model card of a bundle, in the form that Hugging Face's pages show.

https://huggingface.co/docs/hub/model-cards
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cifar_lab.analysis.intervals import wilson
from cifar_lab.deploy.description import Description, Scores
from cifar_lab.wording import (
    code_in_markdown,
    in_markdown,
    percent,
    plural,
    several,
    shortened,
    with_interval,
)

#: Most classes of which the card gives the recall.
MOST_CLASSES = 20
#: Stands for a licence that nobody has stated.
NO_LICENCE = "unknown"


@dataclass(frozen=True)
class Facts:
    """What the card says beside what is in bundle.json.

    Attributes:
        dataset: name of the data set.
        images: number of training images.
        model: the network as a call.
        epochs: that it was trained for.
        command: that repeats the run.
        hardware: on which it was trained, with the precision.
        commit: of this package's code; None if it was not in a checkout.
        recalls: by class, the share of its images that are classified correctly; None without any.
        robustness: lines of Markdown about images that were changed; empty without any.
        licence: identifier of the licence, as Hugging Face lists them.
    """

    dataset: str
    images: int
    model: str
    epochs: int
    command: str
    hardware: str
    commit: str | None
    recalls: Sequence[tuple[str, float | None]]
    robustness: Sequence[str] = ()
    licence: str = NO_LICENCE


def metadata(described: Description, facts: Facts) -> str:
    """Return the card's metadata: YAML between two lines of three dashes."""
    # Of YAML, JSON is a part: nothing has to be escaped by hand.
    fields = {
        "library_name": "cifar-lab",
        "pipeline_tag": "image-classification",
        "license": facts.licence,
        "tags": ["image-classification", "cifar-lab", described.architecture.name],
        "datasets": [facts.dataset.lower()],
        "metrics": ["accuracy"],
        "model-index": [{"name": described.name, "results": _results(described, facts)}],
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    return "\n".join(["---", *lines, "---", ""])


def card(described: Description, facts: Facts) -> str:
    """Return the card's text, in Markdown."""
    sections = [
        _introduction(described, facts),
        _use(described),
        _results_in_words(described),
        _classes(facts),
        list(facts.robustness),
        _training(described, facts),
        _limits(described, facts),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _results(described: Description, facts: Facts) -> list[dict[str, object]]:
    return [
        {
            "task": {"type": "image-classification"},
            "dataset": {"name": facts.dataset, "type": facts.dataset.lower(), "split": split},
            "metrics": [{"type": "accuracy", "value": scores.accuracy}],
        }
        for split, scores in _scores(described)
    ]


def _scores(described: Description) -> Iterator[tuple[str, Scores]]:
    for split, scores in (("test", described.test), ("validation", described.validation)):
        if scores is not None:
            yield split, scores


def _introduction(described: Description, facts: Facts) -> list[str]:
    names = described.usage.class_names
    height, width = described.usage.image_size
    listed = in_markdown(shortened(", ".join(names), 300))
    return [
        f"# {in_markdown(described.name)}",
        "",
        f"An image classifier for images of {width}×{height} pixels and "
        f"{plural(len(names), 'class', 'classes')}: {listed}. It is "
        f"{code_in_markdown(facts.model)} with {described.parameters:,} parameters, trained on "
        f"{in_markdown(facts.dataset)} with CIFAR Lab.",
    ]


def _use(described: Description) -> list[str]:
    trust = " --trust" if described.architecture.own else ""
    keyword = ", trust=True" if described.architecture.own else ""
    image = described.examples[0].file if described.examples else "image.png"
    lines = [
        "## Use",
        "",
        "In this folder, with cifar-lab installed:",
        "",
        "```sh",
        f"cifar-lab predict . {image}{trust}",
        "```",
        "",
        "```python",
        "import cifar_lab",
        "",
        f'model = cifar_lab.open_bundle("."{keyword})',
        f'print(model.predict("{image}"))',
        "```",
        "",
        _preprocessing(described),
    ]
    if described.architecture.own:
        lines += [
            "",
            "The network is defined by Python files in `code/`, which are imported only if you say "
            "that you trust whoever made this folder.",
        ]
    return lines


def _preprocessing(described: Description) -> str:
    usage = described.usage
    height, width = usage.image_size
    mean, std = (", ".join(f"{each:.4f}" for each in part) for part in (usage.mean, usage.std))
    flips = " The logits of each image and its mirror image are averaged." if usage.flips else ""
    return (
        f"Images are turned upright, converted to RGB (transparent areas become white), resized to "
        f"{width}×{height} pixels (bicubic), divided by 255, and normalised with mean ({mean}) and "
        f"standard deviation ({std}). The network is evaluated in {usage.precision}.{flips}"
    )


def _results_in_words(described: Description) -> list[str]:
    lines = ["## Results", "", "| images | number | accuracy, with its 95 % interval | loss |"]
    lines.append("| --- | ---: | --- | ---: |")
    for split, scores in _scores(described):
        right = round(scores.accuracy * scores.count)
        interval = with_interval(wilson(right, scores.count)) if scores.count else "–"
        loss = "not finite" if scores.loss is None else f"{scores.loss:.4f}"
        lines.append(f"| {split} | {scores.count:,} | {interval} | {loss} |")
    if described.test is None:
        lines += ["", "The test images were not evaluated."]
    return [*lines, "", _in_float32(described)]


def _in_float32(described: Description) -> str:
    if described.float32_changes is None:
        return (
            "It was evaluated in float32. On another device, or in other batches, logits may "
            "differ by about 0.0001."
        )
    return (
        f"It was evaluated in {described.usage.precision}. In float32, "
        f"{percent(described.float32_changes)} of the {described.evaluated} images are classified "
        "differently."
    )


def _classes(facts: Facts) -> list[str]:
    if not facts.recalls:
        return []
    # The hardest ones, where not all can be listed.
    known = sorted(facts.recalls, key=lambda each: 2 if each[1] is None else each[1])
    listed = known if len(known) > MOST_CLASSES else facts.recalls
    rows = [
        f"| {in_markdown(name)} | {'–' if recall is None else percent(recall)} |"
        for name, recall in listed[:MOST_CLASSES]
    ]
    left = len(known) - len(rows)
    note = ["", f"These are the hardest of {len(known)} classes."] if left else []
    return ["| class | classified correctly |", "| --- | ---: |", *rows, *note]


def _training(described: Description, facts: Facts) -> list[str]:
    commit = "" if facts.commit is None else f", at commit {facts.commit}"
    run = "" if described.run is None else f" The run's id is `{described.run}`."
    return [
        "## Training",
        "",
        f"{plural(facts.epochs, 'epoch', 'epochs')} on {facts.images:,} images, on "
        f"{in_markdown(facts.hardware)}, with cifar-lab {described.made_with}{commit}.{run} The "
        "command:",
        "",
        "```sh",
        facts.command,
        "```",
    ]


def _limits(described: Description, facts: Facts) -> list[str]:
    usage = described.usage
    height, width = usage.image_size
    far = (
        f"An image is marked as far from those in training if its energy is above "
        f"{usage.energy_limit:.2f}, that of 99 % of the {usage.energy_images:,} validation images. "
        "This is a hint and no guarantee."
        if usage.energy_limit is not None
        else "There were no validation images, so that images far from those in training are not "
        "marked."
    )
    shown = ["`examples/`"] if described.examples else []
    shown += ["`misclassified/`"] if described.misclassified else []
    harder = ", and of the harder ones above" if facts.robustness else ""
    images = [
        f"- The images in {several(shown)} are {described.evaluated} images of the data set, whose "
        "own licence applies."
    ]
    return [
        "## Limits",
        "",
        f"- Every image is given one of the {len(usage.class_names)} classes, whatever it shows.",
        f"- Larger images are reduced to {width}×{height} pixels, so that small things in them are "
        "lost.",
        f"- {far}",
        f"- The figures are of images like those in training{harder}. Nothing is known about "
        "others, and nothing was examined of fairness or of attacks.",
        *(images if shown else []),
    ]
