"""`attune minutes FILE`, and `attune minutes train`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from api.cli.options import require_writable, settings_from

if TYPE_CHECKING:
    from recsys.digest.digest import Digester
    from recsys.digest.meeting import Meeting
    from recsys.settings import Settings

_WRITE = "write"


class _FileOrCommand(TyperGroup):
    """Group whose first argument may be a file: `attune minutes FILE` is `attune minutes write FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the name of the default command unless a command or help is meant."""
        if args and args[0] not in (*self.commands, "--help"):
            args = [_WRITE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_FileOrCommand,
    no_args_is_help=True,
    help="Minutes of a meeting from its transcript or recording: attune minutes FILE --query TEXT",
)


@app.command(_WRITE)
def write(
    file: Annotated[Path, typer.Argument(help="Transcript (QMSum, JSONL, WebVTT, SRT or text) or recording.")],
    query: Annotated[
        str, typer.Option(max=2_000, help="Question or subject that the extract answers; by default the whole.")
    ] = "",
    seconds: Annotated[
        float | None,
        typer.Option(
            min=1, max=3_600, help="Reading time of the extract; 32 with a query, else 40.", show_default=False
        ),
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the minutes as JSON.")] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write a page with a heat map over the transcript.")
    ] = None,
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", help="Write Markdown to a file instead of the terminal.")
    ] = None,
    meeting: Annotated[
        int | None, typer.Option(min=1, help="Number of the meeting in a file with several.", show_default=False)
    ] = None,
    speech_model: Annotated[
        str | None, typer.Option(help="transformers speech model for recordings: an id or a folder.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Weights of `attune minutes train`; by default those that are shipped.")
    ] = None,
) -> None:
    """Write the minutes of a meeting: topics, decisions, action items, open questions, and an extract."""
    from recsys.digest.layouts.turn_builder import REASONS
    from recsys.digest.meeting_minutes import write_minutes
    from recsys.digest.minutes_documents import html, markdown

    for out in (json_file, html_file, markdown_file):
        require_writable(out)
    settings = settings_from(None, None)
    turns = _meeting(file, meeting, speech_model)
    for reason, count in sorted(turns.rejected.items()):
        typer.secho(f"warning: {count} turns were not read: {REASONS[reason]}", fg="yellow", err=True)
    minutes = write_minutes(turns, _digester(settings, weights), query.strip(), seconds)
    title = f"Minutes of {file.name}"
    if json_file is not None:
        json_file.write_text(json.dumps(minutes.as_dict(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if html_file is not None:
        html_file.write_text(html(minutes, turns, title), encoding="utf-8")
    text = markdown(minutes, title)
    if markdown_file is not None:
        markdown_file.write_text(text, encoding="utf-8")
    elif json_file is None and html_file is None:
        typer.echo(text, nl=False)


@app.command("train")
def train(
    files: Annotated[list[Path], typer.Argument(help="Annotated meetings as QMSum publishes them.")],
    out: Annotated[Path, typer.Option(help="File of the weights.")] = Path("minutes.safetensors"),
) -> None:
    """Train the weights of sentences on meetings with queries, relevant turns and summaries."""
    from recsys.digest.digest import Digester
    from recsys.digest.digest_training import DigestFit, fit_digest, labelled
    from recsys.digest.digest_weights import save_weights
    from recsys.digest.layouts.read_meeting import read_qmsum
    from recsys.encoder.lazy import LazyEncoder

    require_writable(out)
    settings = settings_from(None, None)
    encoder = LazyEncoder(settings)
    meetings = list(read_qmsum(files))
    digester = Digester(encoder.loaded(), None)
    data = [item for each in meetings for item in labelled(each, digester)]
    save_weights(fit_digest(data, settings.encoder, fit=DigestFit(seed=settings.seed)), out)
    typer.echo(f"trained on {len(data)} queries of {len(meetings)} meetings; use them with --weights {out}")


def _meeting(file: Path, number: int | None, speech_model: str | None) -> "Meeting":
    from recsys.digest.layouts.read_meeting import read_meeting
    from recsys.digest.transcription import is_recording, transcribe

    return transcribe(file, speech_model) if is_recording(file) else read_meeting(file, number)


def _digester(settings: "Settings", file: Path | None) -> "Digester":
    """Return the digester with the weights of `file`, or with the shipped ones if they fit the encoder.

    Raises:
        ConfigError: the weights of `file` were trained on another encoder.
    """
    from recsys.digest.digest import Digester
    from recsys.digest.digest_weights import SHIPPED, load_weights
    from recsys.encoder.lazy import LazyEncoder
    from recsys.errors import ConfigError

    encoder = LazyEncoder(settings)
    weights = load_weights(file or SHIPPED)
    if weights.encoder == settings.encoder:
        return Digester(encoder.loaded(), weights)
    if file is not None:
        raise ConfigError(
            f"{file} was trained on the encoder {weights.encoder}, not on {settings.encoder}: "
            "train again with this encoder"
        )
    typer.secho(
        f"warning: the shipped weights are for the encoder {weights.encoder}; sentences are weighed by "
        "their match with the query alone (to train: attune minutes train)",
        fg="yellow",
        err=True,
    )
    return Digester(encoder.loaded(), None)
