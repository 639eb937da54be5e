"""The notebook runs from its first cell to its last, offline, without a warning."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOK = Path(__file__).parents[1] / "examples" / "notebook.ipynb"
#: Fails whatever would reach another machine, and turns warnings into errors.
BEFORE = """
import socket, warnings
warnings.simplefilter("error")
def refuse(self, address, *_):
    if not (isinstance(address, (str, bytes)) or str(address[0]) in ("127.0.0.1", "::1")):
        raise AssertionError(f"it would connect to {address}")
    return connect(self, address)
connect = socket.socket.connect
socket.socket.connect = refuse
import sys
print(sys.prefix)
"""


def test_the_notebook_is_kept_without_its_outputs_in_short_cells():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(cells) > 10
    for cell in cells:
        assert (cell.outputs, cell.execution_count) == ([], None)
        assert cell.source.count("\n") < 10
    assert json.loads(NOTEBOOK.read_text())["metadata"].keys() <= {"kernelspec", "language_info"}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_notebook_runs(tmp_path, monkeypatch):
    found = executed(tmp_path, monkeypatch)
    errors = [o for o in outputs(found) if o.output_type == "error" or o.get("name") == "stderr"]
    assert errors == []
    assert str(Path(sys.prefix)) in text_of(found, "import socket")
    shown = [data for o in outputs(found) for data in o.get("data", {})]
    assert shown.count("text/html") >= 6
    assert shown.count("image/png") == 1
    results = {cell.source.split("\n")[-1]: cell for cell in found.cells if cell.source}
    (table,) = (o.data["text/html"] for o in results["predicted"].outputs if "data" in o)
    assert [f'<td style="text-align: left">{n} (' in table for n in range(4)] == [True] * 4
    assert "trainer.epochs=0: " in text_of(found, "except cifar_lab.Refusal")
    assert "optimizer.lr=fast: " in text_of(found, "except cifar_lab.Refusal")


def executed(folder: Path, monkeypatch) -> nbformat.NotebookNode:
    """The notebook with what its cells gave, in a kernel of this environment."""
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(folder / name))
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(BEFORE))
    work = folder / "work"
    work.mkdir()
    # The kernel that ipykernel offers by this name is that of this interpreter.
    client = nbclient.NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=600,
        resources={"metadata": {"path": str(work)}},
    )
    return client.execute()


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]


def text_of(notebook: nbformat.NotebookNode, part: str) -> str:
    """What the cell whose source contains a text printed."""
    (cell,) = (c for c in notebook.cells if c.cell_type == "code" and part in c.source)
    return "".join(o.text for o in cell.outputs if o.output_type == "stream")


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        nbformat.write(executed(Path(sys.argv[1]), patch), Path(sys.argv[1]) / "executed.ipynb")
