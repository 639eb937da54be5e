"""Characters without a font are told."""

from __future__ import annotations

import logging

from cifar_lab.report import fonts


def test_characters_without_a_font_are_told_in_one_line(monkeypatch, caplog):
    monkeypatch.setattr(fonts, "missing", lambda names: "苹果")
    caplog.set_level(logging.WARNING)
    (text,) = fonts.without_font(["Æble 苹果"])
    assert text.warning
    assert text.text.startswith(
        "Pictures cannot show the characters 苹 果: they give such classes by"
    )
    assert caplog.messages == [text.text]
    monkeypatch.setattr(fonts, "SHAPES", False)
    assert "e.g. Noto Sans CJK, and matplotlib 3.11 for" in fonts.without_font(["苹果"])[0].text
    monkeypatch.setattr(fonts, "missing", lambda names: "")
    assert fonts.without_font(["cat"]) == []
