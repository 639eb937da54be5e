"""The model, and everything needed to reproduce the run."""

from __future__ import annotations

from collections.abc import Collection

from cifar_lab.report.blocks import Block, Code, Section, Table, Text
from cifar_lab.report.reading import Reading
from cifar_lab.run.record import Run

#: Longest table of layers that is shown unfolded: those of ResNets are, that of a ViT is not.
LINES = 100


def model(reading: Reading) -> Section:
    """Totals, and the table of layers with output shapes, parameters and multiply-adds."""
    summary, batch_size = reading.run.summary, reading.run.config["trainer"]["batch_size"]
    multiply_adds = summary.multiply_adds
    totals = (
        f"{summary.parameters:,} parameters; {multiply_adds / 1e6:,.2f} million multiply-adds "
        f"per image, {batch_size * multiply_adds / 1e9:,.2f} billion per batch of {batch_size:,}."
    )
    lines = reading.run.model_table.splitlines()
    folded = f"Table of layers, {len(lines):,} lines" if len(lines) > LINES else None
    return Section("Model", [Text(totals), Code(lines, folded=folded)])


def origin(reading: Reading) -> Section:
    """The command, the environment, and the configuration with the differences marked."""
    provenance = reading.run.provenance
    lines = reading.run.config_text.rstrip().splitlines()
    keys = {difference.key for difference in provenance.differences or ()}
    blocks: list[Block] = [
        Code([provenance.command], language="sh"),
        Table(("environment", ""), _environment(reading.run), text_columns=(1,)),
        Text("The configuration, with the lines that differ from the defaults marked:"),
        Code(lines, marked_lines(lines, keys), folded="Configuration", language="yaml"),
    ]
    return Section("Run it again", blocks)


def marked_lines(lines: list[str], keys: Collection[str]) -> frozenset[int]:
    """Numbers of the lines of a YAML text whose key, or one of its parents, differs."""
    path: list[tuple[int, str]] = []
    marked = set()
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        word = line.strip()
        if ":" in word and not word.startswith("-"):
            path = [(i, key) for i, key in path if i < indent]
            path.append((indent, word.split(":")[0]))
        parts = [key for _, key in path]
        if any(".".join(parts[: i + 1]) in keys for i in range(len(parts))):
            marked.add(number)
    return frozenset(marked)


def _environment(run: Run) -> list[list[str]]:
    provenance, failure = run.provenance, run.summary.eager_because
    git = provenance.git
    commit = "not run from a Git checkout"
    if git is not None:
        commit = git.commit + (", with uncommitted changes" if git.dirty else "")
    libraries = [f"{name} {v}" for name, v in provenance.libraries.items() if v]
    pieces = provenance.fast_path | ({} if failure is None else {"step": f"eager: {failure}"})
    fast_path = [f"{piece}: {how}" for piece, how in pieces.items()]
    probe = provenance.precision_probe
    chosen = "" if probe is None else f"; {probe.described}"
    rows = [
        ["device", f"{provenance.device} ({provenance.device_name})"],
        ["threads", str(provenance.threads)],
        ["precision", f"{provenance.precision}{chosen}"],
        ["seed", str(provenance.seed)],
        ["Python", f"{provenance.python} on {provenance.platform}"],
        ["libraries", ", ".join(libraries)],
        ["commit", commit],
        ["your code", "" if provenance.own_code is None else provenance.own_code.described],
        ["data", provenance.data_fingerprint],
        ["fast path", "; ".join(fast_path)],
        ["environment variables", ", ".join(f"{k}={v}" for k, v in provenance.environment.items())],
    ]
    return [row for row in rows if row[1]]
