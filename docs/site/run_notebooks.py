# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the notebooks in examples/notebooks, and keeps what they print and draw.

    .venv/bin/python docs/site/run_notebooks.py

writes their outputs into them: pictures of few colours, and nothing that differs from run to run
for no reason.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from small_png import small_png

NOTEBOOKS = Path(__file__).resolve().parents[2] / "examples/notebooks"
TIMEOUT_S = 300
INLINE = "module://matplotlib_inline.backend_inline"


def run(path: Path):
    """A notebook with the outputs of a run of now; raises CellExecutionError if a cell fails."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=TIMEOUT_S, resources={"metadata": {"path": str(path.parent)}}
    )
    # whatever pictures are drawn with elsewhere: here they belong into the notebook
    client.execute(env={**os.environ, "MPLBACKEND": INLINE})
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data:
                picture = small_png(base64.b64decode(data["image/png"]))
                data["image/png"] = base64.b64encode(picture).decode()
    notebook.metadata = {
        "kernelspec": notebook.metadata["kernelspec"],
        "language_info": {"name": "python"},
    }
    return notebook


def _joined(outputs: list) -> list:
    """What was printed in several pieces, as one: where it is cut depends on the time it takes."""
    joined: list = []
    for output in outputs:
        before = joined[-1] if joined else {}
        if output.output_type == "stream" and before.get("name") == output.name:
            before.text += output.text
        else:
            joined.append(output)
    return joined


if __name__ == "__main__":
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        nbformat.write(run(path), path)
        print(path.name, f"{path.stat().st_size / 1e3:.0f} kB")
