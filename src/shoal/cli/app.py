"""The commands: one per Workspace method, same name, a few lines each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shoal.cli import keys
from shoal.cli.options import HERE, AsJson, Folder
from shoal.cli.output import emit, progress, speaking
from shoal.cli.serve import serve

app = typer.Typer(
    name="shoal",
    help="Turns raw customer data into living customer segments.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(keys.app, name="keys")


@app.callback(invoke_without_command=True)
def shoal(version: Annotated[bool, typer.Option("--version", help="print the version and stop")] = False) -> None:
    """Turns raw customer data into living customer segments."""
    if version:
        from shoal import __version__

        print(__version__)
        raise typer.Exit


@app.command()
def init(
    files: Annotated[
        list[Path] | None, typer.Argument(help="data files: CSV, JSON lines, Parquet, also .gz", readable=False)
    ] = None,
    workspace: Folder = HERE,
    force: Annotated[bool, typer.Option("--force", help="replace a shoal.yaml that is there")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at files and write a commented shoal.yaml."""
    with speaking(as_json):
        from shoal.report import person
        from shoal.workspace import Workspace

        made = Workspace.init(workspace, files or [], force=force)
        path = str(workspace / "shoal.yaml")
        content = {"path": path, "questions": made.questions, "notes": made.notes, "settings": made.settings_text}
        emit(as_json, content, lambda: person.proposed(path, made.questions, made.notes))


@app.command()
def run(
    workspace: Folder = HERE,
    as_of: Annotated[str | None, typer.Option("--as-of", help="use nothing later than this instant (ISO 8601)")] = None,
    only: Annotated[
        str | None,
        typer.Option("--only", help="one stage over the last run: unify, features, predict, model, validate, report"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the pipeline; print the segments; write report.html."""
    with speaking(as_json):
        from shoal.report.terminal import overview
        from shoal.workspace import Workspace

        with progress(quiet=as_json) as tell:
            done = Workspace(workspace).run(as_of=as_of, only=only, tell=tell)
        report = workspace / "report.html"
        emit(as_json, done.model_dump(mode="json"), lambda: overview(done, report=str(report)))


@app.command()
def segments(
    name: Annotated[str | None, typer.Argument(help="a segment's name, for its whole brief")] = None,
    workspace: Folder = HERE,
    inside: Annotated[bool, typer.Option("--inside", help="the micro-segments inside: of this one, or of all")] = False,
    as_json: AsJson = False,
) -> None:
    """Segments with size, rule, status and verdicts; one in full with its brief; the micro-segments inside."""
    with speaking(as_json):
        from shoal.releases import pick
        from shoal.report import listing, nested
        from shoal.report.terminal import brief
        from shoal.workspace import Workspace

        done = Workspace(workspace).last_run()
        if inside:
            opened = [nested.opened(done.segments, name)] if name else nested.nests(done.segments)
            told = [nest.told() for nest in opened]
            emit(as_json, told[0] if name else told, lambda: listing.inside(done, opened))
            return
        if name is None:
            found = [segment.model_dump(mode="json") for segment in done.segments]
            emit(as_json, found, lambda: listing.listing(done))
            return
        segment = pick(done.segments, name)
        verdicts = [verdict for verdict in done.verdicts if verdict.subject == segment.subject]
        content = {**segment.model_dump(mode="json"), "verdicts": [one.model_dump(mode="json") for one in verdicts]}
        emit(as_json, content, lambda: brief(done, f"{segment.name}@{segment.version}"))


@app.command()
def approve(
    segment: Annotated[str, typer.Argument(help="a segment's name: its newest version; `NAME@2` for version 2")],
    answer: Annotated[
        str | None,
        typer.Option("--answer", help="what we would do differently for this segment; asked for when left out"),
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="who approves; this machine's user when left out")] = None,
    note: Annotated[str, typer.Option("--note", help="anything else to remember")] = "",
    despite: Annotated[str, typer.Option("--despite", help="why, although a gate stopped it; recorded")] = "",
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Release a segment as it stands: its rule stays until a person approves another version."""
    with speaking(as_json):
        from shoal.cli.ask import answered
        from shoal.report import released
        from shoal.workspace import Workspace

        here = Workspace(workspace)
        found, said = answered(here, segment, answer, despite, quiet=as_json)
        done = here.approve(found, answer=said, by=by, note=note, despite=despite)
        emit(as_json, done.model_dump(mode="json"), lambda: released.decision(done))


@app.command()
def retire(
    segment: Annotated[str, typer.Argument(help="a segment's name: its released version; `NAME@2` for version 2")],
    why: Annotated[str, typer.Option("--why", help="the reason; recorded")],
    by: Annotated[str | None, typer.Option("--by", help="who retires it; this machine's user when left out")] = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """End a segment: its memberships end with the next run."""
    with speaking(as_json):
        from shoal.report import released
        from shoal.workspace import Workspace

        done = Workspace(workspace).retire(segment, why=why, by=by)
        emit(as_json, done.model_dump(mode="json"), lambda: released.decision(done))


@app.command()
def releases(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """What people approved and retired: when, who, why, and how many people it was."""
    with speaking(as_json):
        from shoal.report import released
        from shoal.workspace import Workspace

        found = Workspace(workspace).releases()
        emit(as_json, [one.model_dump(mode="json") for one in found], lambda: released.history(found))


@app.command()
def draft(
    text: Annotated[str, typer.Argument(help="whom you mean: `loyal customers who buy less than before`")],
    workspace: Folder = HERE,
    save: Annotated[
        str | None, typer.Option("--save", help="write the rule shown as segments/NAME.yaml; never over another")
    ] = None,
    by_model: Annotated[
        bool, typer.Option("--by-model", help="with --save: the language model's rule instead of the grammar's")
    ] = False,
    no_model: Annotated[bool, typer.Option("--no-model", help="do not ask the language model")] = False,
    as_json: AsJson = False,
) -> None:
    """Propose a rule for a segment in plain words: with why, size, examples and what was not understood."""
    with speaking(as_json):
        from shoal.report import drafts
        from shoal.workspace import Workspace

        here = Workspace(workspace)
        told = here.draft(text, model=not no_model)
        if not as_json:
            emit(as_json, told, lambda: drafts.proposal(told, saving=save is not None))
        path = None if save is None else str(here.save_draft(save, told, of_model=by_model))
        if as_json or path:
            emit(as_json, {**told, "saved": path}, lambda: drafts.saved(str(path)))
        if not told["rule"] and not (told["model"] and told["model"]["rule"]):
            raise typer.Exit(1)


@app.command()
def verify(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Recompute everybody from the log and prove that the live state is equal; exit code 1 where it is not."""
    with speaking(as_json):
        from shoal.report.proof import proof
        from shoal.workspace import Workspace

        with progress(quiet=as_json) as tell:
            told = Workspace(workspace).verify(tell=tell)
        emit(as_json, told, lambda: proof(told))
        if not told["equal"]:
            raise typer.Exit(1)


@app.command()
def models(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """Models with what they predict, status, success against the baseline, people scored and version."""
    with speaking(as_json):
        from shoal.report.models import listing
        from shoal.workspace import Workspace

        done = Workspace(workspace).last_run()
        emit(
            as_json, [card.model_dump(mode="json") for card in done.models], lambda: listing(done.models, done.currency)
        )


@app.command()
def model(
    name: Annotated[str, typer.Argument(help="a model's name, or that of a score it gives: `churn`, `value.revenue`")],
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """One model's whole card: purpose, label, data, skill, calibration, reasons, limits, back-tests, contest."""
    with speaking(as_json):
        from shoal.report.models import whole
        from shoal.workspace import Workspace

        here = Workspace(workspace)
        card, currency = here.model(name), here.last_run().currency
        emit(as_json, card.model_dump(mode="json"), lambda: whole(card, currency))


@app.command()
def profile(
    id: Annotated[str, typer.Argument(help="a profile id, or an identifier: `ada@example.org`, `email:ada@...`")],  # noqa: A002
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """One person: identifiers, traits, features, memberships, timeline."""
    with speaking(as_json):
        from shoal.report import person
        from shoal.workspace import Workspace

        content = Workspace(workspace).profile(id)
        emit(as_json, content, lambda: person.profile(content))


@app.command()
def explain(
    segment: Annotated[str, typer.Argument(help="a segment's name")],
    id: Annotated[str, typer.Argument(help="a profile id or an identifier")],  # noqa: A002
    at: Annotated[
        str | None, typer.Option("--at", help="as of this instant (ISO 8601); the run's when left out")
    ] = None,
    workspace: Folder = HERE,
    as_json: AsJson = False,
) -> None:
    """Why this person is or is not in the segment, clause by clause."""
    with speaking(as_json):
        from shoal.report import person
        from shoal.workspace import Workspace

        content = Workspace(workspace).explain(segment, id, at=at)
        emit(as_json, content, lambda: person.explanation(content))


@app.command()
def doctor(workspace: Folder = HERE, as_json: AsJson = False) -> None:
    """What is wrong with this workspace, machine and configuration, and the remedy."""
    with speaking(as_json):
        from shoal.report import person
        from shoal.workspace import Workspace

        findings = Workspace.doctor(workspace)
        emit(as_json, findings, lambda: person.findings(findings))
        if any(finding["severity"] == "error" for finding in findings):
            raise typer.Exit(1)


app.command()(serve)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="where to make the workspace")] = Path("shoal-demo"),
    data: Annotated[str, typer.Option("--data", help="journey (a real grocery panel) or shop (simulated)")] = "journey",
    people: Annotated[int, typer.Option("--people", help="shop only: how many people", min=1)] = 5_000,
    seed: Annotated[int, typer.Option("--seed", help="shop only: the simulator's seed")] = 1,
    as_json: AsJson = False,
) -> None:
    """Make a workspace with data and run the whole loop."""
    with speaking(as_json):
        from shoal.report.terminal import overview
        from shoal.workspace import Workspace

        with progress(quiet=as_json) as tell:
            tell("data", 0.0)
            made = Workspace.demo(folder, data=data, people=people, seed=seed)
            done = made.run(tell=tell)
        emit(as_json, done.model_dump(mode="json"), lambda: overview(done, report=str(folder / "report.html")))
