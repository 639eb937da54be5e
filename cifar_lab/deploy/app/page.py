"""The page: its parts, and which question each of them asks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio

from cifar_lab.deploy.app import drawing
from cifar_lab.deploy.app.answers import MOST_CLASSES, Answers, Look
from cifar_lab.deploy.app.upload import MOST_BYTES, Image, uploaded
from cifar_lab.refusal import Refusal

#: Fonts of the reader's system: any other would be fetched.
FONTS = ["system-ui", "Segoe UI", "Liberation Sans", "sans-serif"]
#: What drives the parts that are handmade, and how the page looks.
TEMPLATES = Path(__file__).parent / "templates"
SCRIPT = (TEMPLATES / "page.js").read_text().replace("MOST_BYTES", str(MOST_BYTES))
STYLE = (TEMPLATES / "page.css").read_text()
#: Number of the class that stands for the predicted one.
PREDICTED = -1
#: Misclassified images to begin with.
FIRST_MISTAKES = 12
#: Most questions that wait; uploads have a bound of their own, see the guard.
LONGEST_QUEUE = 100
#: Seconds for which an image is kept for a visitor who does nothing.
KEPT_SECONDS = 3600


def page(answers: Answers) -> gradio.Blocks:
    """Lay out the page of one network."""
    described = answers.contents.description
    with gradio.Blocks(title=described.name, analytics_enabled=False) as blocks:
        gradio.HTML(drawing.heading(answers), js_on_load=None, apply_default_css=False)
        with gradio.Tabs():
            with gradio.Tab("Classify"):
                _classifying(blocks, answers)
            with gradio.Tab("Mistakes"):
                _mistakes(blocks, answers)
            with gradio.Tab("Model card"):
                gradio.Markdown(answers.contents.card, elem_id="card")
        gradio.api(_answering(answers), api_name="classify", concurrency_id="network")
    # Whoever asks first is answered first.
    blocks.queue(default_concurrency_limit=1, max_size=LONGEST_QUEUE)
    return blocks


def _classifying(blocks: gradio.Blocks, answers: Answers) -> None:
    examples = answers.contents.description.examples[:10]
    image = gradio.State(None, time_to_live=KEPT_SECONDS)
    with gradio.Row(elem_id="classify"):
        with gradio.Column(elem_id="images"):
            chooser = gradio.HTML(
                drawing.chooser(answers, examples),
                js_on_load=SCRIPT,
                apply_default_css=False,
            )
        with gradio.Column(elem_id="answer"):
            shown = gradio.HTML(drawing.nothing(), js_on_load=None, apply_default_css=False)
        with gradio.Column(elem_id="settings"):
            count = _count_of_classes(answers)
            look = _look(answers, target=True)

    def answer(of: Image | None, most: float, *looked: Any) -> str:
        if of is None:
            return drawing.nothing()
        try:
            wanted = _looked_at(answers, looked)
            found = answers.answer(of.pixels, wanted)
        except Refusal as refusal:
            return drawing.problem(refusal)
        return drawing.answer(answers, of, found, int(most), wanted)

    def given(event: gradio.EventData, *settings: Any) -> tuple[Image | None, str]:
        try:
            of = uploaded(_sent(event, "content"), answers.usage.image_size)
        except Refusal as refusal:
            return None, drawing.problem(refusal)
        return of, answer(of, *settings)

    def chosen(event: gradio.EventData, *settings: Any) -> tuple[Image | None, str]:
        number = _sent(event, "number")
        if type(number) is not int or not 0 <= number < len(examples):
            return None, drawing.nothing()
        return example(number), answer(example(number), *settings)

    def example(number: int) -> Image:
        of = examples[number]
        return Image(answers.contents.pixels(of), (), of.label)

    def first(*settings: Any) -> tuple[Image | None, str]:
        return (example(0), answer(example(0), *settings)) if examples else (None, answer(None, 1))

    settings = [count, *look]
    both: dict[str, Any] = {**_ASKED, "inputs": settings, "outputs": [image, shown]}
    chooser.given(given, **both)
    chooser.chosen(chosen, **both)
    blocks.load(first, **both)
    asking: dict[str, Any] = {**_ASKED, "inputs": [image, *settings], "outputs": shown}
    gradio.on([part.change for part in settings], answer, trigger_mode="always_last", **asking)


def _mistakes(blocks: gradio.Blocks, answers: Answers) -> None:
    kept = len(answers.contents.description.misclassified)
    if not kept:
        gradio.HTML(drawing.no_mistakes(answers), js_on_load=None, apply_default_css=False)
        return
    with gradio.Row(elem_id="mistakes"):
        with gradio.Column(elem_id="choices"):
            first = min(FIRST_MISTAKES, kept)
            count = gradio.Slider(1, max(kept, 2), first, step=1, label="Images", buttons=[])
            look = _look(answers, target=False)
        with gradio.Column(elem_id="gallery"):
            shown = gradio.HTML(js_on_load=None, apply_default_css=False)

    def gallery(most: float, *looked: Any) -> str:
        wanted = _looked_at(answers, looked)
        try:
            found = answers.mistakes(int(most), None if wanted is None else wanted.layer)
        except Refusal as refusal:
            return drawing.problem(refusal)
        return drawing.gallery(answers, found, wanted)

    settings = [count, *look]
    asking: dict[str, Any] = {**_ASKED, "inputs": settings, "outputs": shown}
    blocks.load(gallery, **asking)
    gradio.on([part.change for part in settings], gallery, trigger_mode="always_last", **asking)


def _sent(event: gradio.EventData, name: str) -> Any:
    """Return what an event says under a name; None if it says nothing of the kind."""
    return event._data.get(name) if isinstance(event._data, dict) else None


#: Of every question: answered in turn, and asked by the page only.
_ASKED: dict[str, Any] = {
    "concurrency_id": "network",
    "show_progress": "hidden",
    "api_visibility": "private",
}


def _count_of_classes(answers: Answers) -> gradio.Slider:
    most = min(MOST_CLASSES, len(answers.usage.class_names))
    return gradio.Slider(1, most, min(5, most), step=1, label="Classes to list", buttons=[])


def _look(answers: Answers, target: bool) -> list[Any]:
    """Lay out how maps are shown; the parts' values are what ``_looked_at`` reads."""
    if answers.usual_layer is None:
        return []
    names = answers.usage.class_names
    classes = [("The predicted class", PREDICTED), *((name, n) for n, name in enumerate(names))]
    on = gradio.Checkbox(True, label="Show where the network looks (GradCAM)")
    with gradio.Column(elem_classes="look") as more:
        layer = gradio.Dropdown(
            list(answers.layers), value=answers.usual_layer, label="Layer", filterable=False
        )
        explained = gradio.Dropdown(
            classes, value=PREDICTED, label="Class to explain", visible=target
        )
        opacity = gradio.Slider(0, 100, 60, step=5, label="Opacity in per cent", buttons=[])
        signed = gradio.Radio(
            [("For and against the class", True), ("For the class only", False)],
            value=True,
            label="Evidence to show",
        )
    on.change(
        fn=None, inputs=on, outputs=more, js="on => ({__type__: 'update', visible: on})",
        api_visibility="private",
    )  # fmt: skip
    return [on, layer, explained, opacity, signed]


def _looked_at(answers: Answers, values: tuple[Any, ...]) -> Look | None:
    if not values or not values[0] or answers.usual_layer is None:
        return None
    _, layer, target, opacity, signed = values
    return Look(
        layer or answers.usual_layer,
        None if target is None or target == PREDICTED else target,
        opacity / 100,
        bool(signed),
    )


def _answering(answers: Answers) -> Callable[[str, int], dict[str, Any]]:
    """Return what answers programs, as the page answers people."""

    def classify(image: str, most: int = 5) -> dict[str, Any]:
        """Classify an image.

        Args:
            image: `data:image/png;base64,…`, or another format.
            most: how many classes to return, the most probable first.

        Returns:
            `classes`, each with `name` and `probability`; `far`, whether the image is unlike those
            in training; `notes` on how it became what the network sees.
        """
        try:
            of = uploaded(image, answers.usage.image_size)
        except Refusal as refusal:
            raise gradio.Error(str(refusal), print_exception=False) from refusal
        found = answers.answer(of.pixels, None)
        ranked = found.ranked[: max(most, 1)]
        classes = [{"name": each.name, "probability": each.probability} for each in ranked]
        return {"classes": classes, "far": found.far, "notes": list(of.notes)}

    return classify
