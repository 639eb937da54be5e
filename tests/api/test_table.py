"""A table becomes a data frame with the types of its values."""

from __future__ import annotations

import pandas
import polars
import pytest

from cifar_lab.api import table
from cifar_lab.api.table import Table, framed
from cifar_lab.refusal import Refusal

ROWS = [
    {"name": "a", "n": 1, "few": None, "share": 0.5, "on": True, "some": 1, "sizes": [1, 2]},
    {"name": "b", "n": 2, "few": 3, "share": 1, "on": False, "some": "x", "sizes": None},
]


def test_pandas_keeps_whole_numbers_whole():
    frame = Table(ROWS).to_frame(frame="pandas")
    dtypes = {name: str(dtype) for name, dtype in frame.dtypes.items()}
    assert dtypes == {
        "name": "str", "n": "int64", "few": "Int64", "share": "float64", "on": "bool",
        "some": "object", "sizes": "object",
    }  # fmt: skip
    assert frame["few"].tolist() == [pandas.NA, 3]


def test_polars_has_the_same_types():
    frame = Table(ROWS).to_frame(frame="polars")
    assert frame.schema == {
        "name": polars.String, "n": polars.Int64, "few": polars.Int64, "share": polars.Float64,
        "on": polars.Boolean, "some": polars.String, "sizes": polars.String,
    }  # fmt: skip
    assert frame["few"].to_list() == [None, 3]
    assert frame["sizes"].to_list() == ["1, 2", None]


def test_none_is_a_list_of_dictionaries():
    found = Table(ROWS).to_frame(frame=None)
    assert found == ROWS
    assert found[0] is not ROWS[0]


@pytest.mark.parametrize(("installed", "kind"), [({"polars"}, polars.DataFrame), (set(), list)])
def test_auto_is_what_is_installed(monkeypatch, installed, kind):
    monkeypatch.setattr(table, "find_spec", lambda name: name if name in installed else None)
    assert isinstance(framed(ROWS, "auto"), kind)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setattr(table, "find_spec", lambda name: None)
    with pytest.raises(Refusal, match="polars is not installed; `pip install polars`, or use fram"):
        framed(ROWS, "polars")
    with pytest.raises(Refusal, match="frame=spark: must be 'auto', 'pandas', 'polars' or None"):
        framed(ROWS, "spark")  # type: ignore[arg-type]


def test_columns_are_chosen_in_order():
    assert list(Table(ROWS).to_frame(["n", "name"])) == ["n", "name"]
    with pytest.raises(Refusal, match="there is no column 'nam'; did you mean 'name'"):
        Table(ROWS).to_frame(["nam"])


def test_rows_are_read_like_a_list():
    found = Table(ROWS)
    assert (len(found), found[1]["name"], found[1:][0]["name"]) == (2, "b", "b")
    assert [row["n"] for row in found] == [1, 2]
    assert found.columns == list(ROWS[0])
    assert len(Table([]).to_frame()) == 0


def test_a_notebook_shows_escaped_cells_and_says_what_it_leaves_out():
    page = Table([{"a<b": f"<{n}>", "share": 0.123456, "many": 1234567} for n in range(60)])
    text = page._repr_html_()
    assert "<th>a&lt;b</th>" in text
    assert "&lt;0&gt;" in text
    assert "0.1235" in text
    assert "1,234,567" in text
    assert text.count("<tr>") == 51
    assert "Showing 50 of 60." in text
    assert repr(page).endswith("Showing 50 of 60.")
