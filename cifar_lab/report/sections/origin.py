"""The model, and what it takes to have the run again."""

from __future__ import annotations

from collections.abc import Collection

from cifar_lab.report.blocks import Block, Code, Section, Table, Text
from cifar_lab.report.reading import Reading
from cifar_lab.run.record import Run


def model(reading: Reading) -> Section:
    """Layer, output shape, parameters and multiply-adds, and memory."""
    summary, batch_size = reading.run.summary, reading.run.config["trainer"]["batch_size"]
    multiply_adds = summary.multiply_adds
    totals = (
        f"{summary.parameters:,} parameters; {multiply_adds / 1e6:,.2f} million multiply-adds "
        f"an image, {batch_size * multiply_adds / 1e9:,.2f} G at the batch size of {batch_size:,}."
    )
    return Section("Model", [Text(totals), Code(reading.run.model_table.splitlines())])


def origin(reading: Reading) -> Section:
    """The command, the environment, and the configuration with the differences marked."""
    made_with = reading.run.provenance
    lines = reading.run.config_text.rstrip().splitlines()
    keys = {difference.key for difference in made_with.differences or ()}
    blocks: list[Block] = [
        Code([made_with.command], language="sh"),
        Table(("environment", ""), _environment(reading.run), text_columns=(1,)),
        Text("Configuration; lines that differ from the defaults are marked."),
        Code(lines, marked_lines(lines, keys), folded="Configuration", language="yaml"),
    ]
    return Section("Run it again", blocks)


def marked_lines(lines: list[str], keys: Collection[str]) -> frozenset[int]:
    """Numbers of the lines of a YAML text whose key differs, or stands below one that does."""
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
    made_with, failure = run.provenance, run.summary.eager_because
    git = made_with.git
    commit = "not from a checkout"
    if git is not None:
        commit = git.commit + (", with uncommitted changes" if git.dirty else "")
    libraries = [f"{name} {v}" for name, v in made_with.libraries.items() if v]
    pieces = made_with.fast_path | ({} if failure is None else {"step": f"eager: {failure}"})
    fast_path = [f"{piece}: {how}" for piece, how in pieces.items()]
    rows = [
        ["device", f"{made_with.device} ({made_with.device_name})"],
        ["threads", str(made_with.threads)],
        ["precision", made_with.precision],
        ["seed", str(made_with.seed)],
        ["Python", f"{made_with.python} on {made_with.platform}"],
        ["libraries", ", ".join(libraries)],
        ["commit", commit],
        ["data", made_with.data_fingerprint],
        ["fast path", "; ".join(fast_path)],
        ["environment variables", ", ".join(f"{k}={v}" for k, v in made_with.environment.items())],
    ]
    return [row for row in rows if row[1]]
