"""The attribution section against hand-made arrays."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cifar_lab.explain.explained import Averaged, Explained, ReportMaps
from cifar_lab.report.blocks import Page, Picture, Table
from cifar_lab.report.sections import attribution as section
from cifar_lab.report.sections.attribution import attribution, completeness, faithfulness
from cifar_lab.report.sections.errors import errors
from cifar_lab.run.drawn import DrawnFigure
from cifar_lab.run.trust import OrderScore, Trust
from tests.report.readings import reading


def explained(agreement: float, layer: str = "layer2") -> Explained:
    maps = np.zeros((2, 3, 2, 2), np.float32)
    maps[:, 0] = [[[1, 2], [3, 4]], [[-1, 0], [0, 0]]]
    return Explained(
        sample_ids=np.asarray(["a", "b"]),
        predicted=np.asarray([1, 1]),
        layer=np.asarray(layer),
        gradcam=maps,
        hirescam=2 * maps,
        values=np.asarray([[12.5, 1.0, 11.0], [3.5, 2.0, 1.0]], np.float32),
        without_bias=np.asarray([[12.0, 0.5, 11.0], [3.0, 1.5, 1.0]], np.float32),
        agreement=np.asarray(agreement),
    )


def averaged(agreement: float = 1.0) -> Averaged:
    maps = np.ones((3, 2, 2), np.float32)
    return Averaged(
        layer=np.asarray("layer2"),
        images=np.asarray(1000),
        agreement=np.asarray(agreement),
        class_gradcam=maps,
        class_hirescam=2 * maps,
        class_without_bias=np.asarray([8.0, 0.0, 400.0], np.float32),
        class_counts=np.asarray([4, 0, 6]),
        pairs=np.asarray([[2, 1]]),
        pair_gradcam=maps[:1],
        pair_hirescam=2 * maps[:1],
        pair_without_bias=np.asarray([8.0], np.float32),
        pair_counts=np.asarray([2]),
        right=np.asarray([0.1, 0.3, np.nan]),
        wrong=np.asarray([0.5]),
    )


def names(blocks) -> list[str]:
    return [picture.name for picture in pictures(blocks)]


def pictures(blocks) -> list[Picture]:
    return Page("", "", blocks, []).pictures()


def test_the_maps_sums_stand_beside_the_logits_without_their_biases():
    _, table = completeness(explained(1.0), ("hirescam", "gradcam"))
    assert table.header == ("sample", "logit − bias", "HiResCAM sums to", "GradCAM sums to")
    assert table.rows == [["a", "12.00", "20.00", "10.00"], ["b", "3.00", "−2.00", "−1.00"]]


def test_where_gradcam_is_faithful_it_is_shown_alone():
    maps = ReportMaps([explained(1.0)], averaged())
    _, told, chart, *_ = attribution(reading(), maps).blocks
    assert not told.warning
    assert "At layer2, GradCAM agrees with HiResCAM (correlation 1.00" in told.text
    assert chart.pictures[0].alt.startswith(
        "GradCAM maps (predicted, true and difference) at layer2"
    )
    assert "HiResCAM and" not in errors(reading(), maps).blocks[1].pictures[0].caption


def test_where_gradcam_is_unfaithful_hirescam_leads_everywhere_with_gradcam_beside(monkeypatch):
    groups = []
    original = section.attributions
    monkeypatch.setattr(
        section, "attributions", lambda i, g, n: groups.extend(g) or original(i, g, n)
    )
    maps = ReportMaps([explained(1.0)], averaged(0.5))  # the larger sample decides
    _, told, chart, *rest = attribution(reading(), maps).blocks
    (picture,) = chart.pictures
    assert told.warning
    assert "At layer2, GradCAM is unfaithful" in told.text
    assert "0.50 with HiResCAM" in told.text
    for text in (picture.caption, picture.alt):
        assert text.index("HiResCAM") < text.index("GradCAM")
    assert [group.series[0].titles[0].split(",")[0] for group in groups] == ["HiResCAM", "GradCAM"]
    np.testing.assert_array_equal(groups[0].series[0].maps, 2 * explained(1.0).gradcam[:, 0])
    means = next(each for each in pictures(rest) if each.name == "mean_maps")
    assert means.alt.startswith("Mean HiResCAM and GradCAM maps")
    gallery = errors(reading(), maps).blocks[1].pictures[0]
    assert "from top to bottom: HiResCAM and GradCAM of the predicted class" in gallery.caption
    (table,) = [b for b in rest if isinstance(b, Table) and b.header[0] == "prediction"]
    assert "(HiResCAM)" in table.header[2]


def test_each_layer_is_judged_by_itself():
    maps = ReportMaps([explained(1.0), explained(0.5, "layer1.sum")], None)
    blocks = attribution(reading(), maps).blocks
    assert [block.warning for block in blocks[1:3]] == [False, True]
    assert names(blocks) == ["attributions", "attributions-layer1.sum"]
    first, second = pictures(blocks)
    assert "at layer2 (2×2 cells)" in first.caption
    assert "at layer1.sum (2×2 cells)" in second.caption
    assert faithfulness("layer1.sum", maps) == blocks[2]


def test_a_layer_with_a_long_name_has_a_file_name_that_fits():
    layer = ".".join(["block"] * 60)
    maps = ReportMaps([explained(1.0), explained(1.0, layer)], None)
    assert all(len(name) <= 100 for name in names(attribution(reading(), maps).blocks))


def test_negligible_maps_have_no_colours_and_say_so(monkeypatch):
    groups = []
    original = section.attributions
    monkeypatch.setattr(
        section, "attributions", lambda i, g, n: groups.extend(g) or original(i, g, n)
    )
    weak = explained(0.5)
    weak = dataclasses.replace(weak, hirescam=weak.gradcam * 0.04, gradcam=weak.gradcam * 1e-4)
    attribution(reading(), ReportMaps([weak], None))
    predicted = [group.series[0].notes for group in groups]
    # HiResCAM's maps sum to 0.4 of 12 and 0.04 of 3.
    assert predicted == [
        [f"no colour: the map sums to {s} % of |logit − bias|" for s in ("3.3", "1.3")],
        [f"no colour: HiResCAM sums to {s} % of |logit − bias|" for s in ("3.3", "1.3")],
    ]


def test_averages_state_their_sample_and_leave_out_classes_without_images(monkeypatch):
    groups = []
    original = section.mean_maps
    monkeypatch.setattr(section, "mean_maps", lambda g, c: groups.append(g) or original(g, c))
    blocks = attribution(reading(), ReportMaps([], averaged())).blocks
    _, _, classes, pairs, table = blocks
    (classes,), (pairs,) = classes.pictures, pairs.pictures
    assert "over 1,000 test images sampled with a fixed seed" in classes.caption
    assert classes.alt == 'Mean GradCAM maps of <b> and "quoted".'
    assert pairs.name == "mean_pair_maps"
    # HiResCAM sums to 8 of 8, and to 8 of 400.
    assert groups[0][0].series[0].notes == [
        "",
        "no colour: HiResCAM sums to 2.0 % of |logit − bias|",
    ]
    assert isinstance(table, Table)
    # Mean of 10 and 30 is 20 %, with their sample standard deviation; one map is all negative.
    assert table.rows == [
        ["correct", "3", "20.0 %", "14.1 %", "1"],
        ["wrong", "1", "50.0 %", "–", "0"],
    ]


@pytest.mark.parametrize(("classes", "told"), [(20, ""), (30, "the first 20 of 30 classes.")])
def test_mean_maps_of_many_classes_say_how_many_are_shown(classes, told, monkeypatch):
    monkeypatch.setattr(
        type(reading()), "class_names", tuple(f"c{n}" for n in range(classes)), raising=False
    )
    maps = np.ones((classes, 2, 2), np.float32)
    many = dataclasses.replace(
        averaged(),
        class_gradcam=maps,
        class_hirescam=maps,
        class_without_bias=np.full(classes, 4, np.float32),
        class_counts=np.ones(classes, int),
    )
    (means,) = attribution(reading(), ReportMaps([], many)).blocks[2].pictures
    assert means.name == "mean_maps"
    assert means.caption.endswith(f" Showing {told}" if told else "same layer).")
    assert "c19." in means.alt


def test_where_nothing_can_be_shown_the_section_says_so():
    (told,) = attribution(reading(layers=()), ReportMaps([], None)).blocks
    assert told.text.startswith("No GradCAM map can be shown: the model has no layer")


def test_the_trust_table_is_shown_once_it_exists():
    found = Trust(
        "gradcam", "layer2", "test", 512, (OrderScore("gradcam", 0.31, 0.62, 0.01, 0.02),), 0.12
    )
    nothing = ReportMaps([], None)
    assert "explain RUN --trust" in attribution(reading(), nothing).blocks[0].text
    shown = attribution(reading(trust=found), nothing).blocks
    assert [block.kind for block in shown] == ["text", "text", "table", "text"]
    assert shown[0].text.startswith("Can these maps be trusted? GradCAM can be relied on here")


@pytest.mark.parametrize("layers", [(), ("layer2",)])
def test_figures_of_explain_are_shown_with_their_captions(tmp_path, layers, monkeypatch):
    drawn = [
        DrawnFigure("b", "b", "B."),
        DrawnFigure(
            "explain-a",
            "explain-a",
            "What <a> shows.",
            "cifar-lab explain r",
            "2026-01-02T03:04:05+00:00",
        ),
    ]
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "explain-a.png").write_bytes(b"the png")
    run = reading(drawn=drawn, folder=tmp_path, layers=layers)
    heading, picture, missing = attribution(run, ReportMaps([], None)).blocks[-3:]
    assert heading.text == "Drawn by `cifar-lab explain`, the latest first:"
    assert (picture.name, picture.png, picture.alt) == ("explain-a", b"the png", "What <a> shows.")
    told = "What <a> shows. Drawn on 2026-01-02 03:04 by: cifar-lab explain r"
    assert picture.caption == told
    monkeypatch.setattr(section, "EMBEDDED", 6)
    instead = attribution(run, ReportMaps([], None)).blocks[-2]
    assert instead.text == f"Not on this page, to keep it small: figures/explain-a.png. {told}"
    assert missing.warning
    assert missing.text == "b.png, drawn by `cifar-lab explain`, is missing."


def test_captions_state_the_scale_of_each_method():
    maps = ReportMaps([explained(0.5)], None)
    blocks = attribution(reading(), maps).blocks
    (picture,) = pictures(blocks)
    # The largest cells are 8 and 4.
    scales = "HiResCAM −8 to 8 logits per cell; GradCAM −4 to 4 logits per cell."
    assert scales in picture.caption
    assert scales in errors(reading(), maps).blocks[1].pictures[0].caption
    html = errors(reading(), maps).blocks[1].html
    assert "<span>−8</span><span>−4</span><span>0</span><span>4</span><span>8</span>" in html
    assert "HiResCAM at layer2, evidence in logits per cell" in html
    assert "difference of logits: 11.00" in html
