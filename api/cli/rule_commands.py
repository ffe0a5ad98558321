"""`attune rules`: add, list, remove."""

from typing import Annotated

import typer

from api.cli.options import DatabaseUrl, settings_from

app = typer.Typer(help="Rules of editors: they overrule the ranking of all feeds.", no_args_is_help=True)


@app.command()
def add(
    rule: Annotated[
        str,
        typer.Argument(
            help="Kind (pin, boost, demote, ban, breaking, must_see, quota), or the whole rule as JSON, as for "
            "POST /v1/rules."
        ),
    ],
    match: Annotated[
        str | None,
        typer.Option(
            help="Articles, as FIELD=VALUE; FIELD is article, section, source, author, tag or text.",
            metavar="FIELD=VALUE",
        ),
    ] = None,
    value: Annotated[
        float | None,
        typer.Option(help="Log-odds of boost and demote, most articles of a quota, hours of must_see."),
    ] = None,
    place: Annotated[int | None, typer.Option(help="Place of a pin; 1 is the top.")] = None,
    section: Annotated[str | None, typer.Option(help="Act only in feeds of this section.")] = None,
    begin: Annotated[
        str | None, typer.Option("--from", help="Time from which it acts (ISO 8601); default: now.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(help="Time at which it ends (ISO 8601); default: when it is removed.")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Add a rule. Running services follow it within a second."""
    import json

    from api.application import editorial, unknown_names
    from api.application.context import opened_application
    from recsys.errors import RequestError

    options = {"value": value, "place": place, "section": section, "from": begin, "until": until}
    given: dict[str, object] = {name: each for name, each in options.items() if each is not None}
    if rule.lstrip().startswith("{"):
        if given or match is not None:
            raise RequestError("give the rule as JSON or with options, not both")
        try:
            given = json.loads(rule)
        except ValueError as error:
            raise RequestError(f"the rule is not JSON: {error}") from error
    else:
        field, equals, text = (match or "").partition("=")
        if not equals:
            raise RequestError("name the articles: --match FIELD=VALUE, such as --match article=a7")
        given |= {"kind": rule, "match": {field.strip(): text}}
    with opened_application(settings_from(database_url, None)) as application:
        added = editorial.add_rule(application, given, actor="cli")
        warnings = unknown_names.unmatched_rule(application, added)
    typer.echo(f"rule {added.id} is added; `attune rules remove {added.id}` ends it")
    for warning in warnings:
        typer.secho(f"warning: {warning}", fg="yellow", err=True)


@app.command("list")
def list_rules(
    ended: Annotated[
        int, typer.Option(min=0, max=1_000, help="Number of removed and expired rules to list, too.")
    ] = 0,
    database_url: DatabaseUrl = None,
) -> None:
    """List the rules that stand: id, kind, articles, effect, times and who added them."""
    from api.application import editorial
    from api.application.context import opened_application
    from api.application.iso_time import to_iso

    with opened_application(settings_from(database_url, None)) as application:
        found = editorial.list_rules(application, ended)
    for listed in found:
        rule = listed.rule
        effect = {
            "log-odds": f"{rule.log_odds:+g}" if rule.log_odds else None,
            "at most": None if rule.value is None or rule.kind != "quota" else f"{rule.value:g}",
            "hours": None if rule.value is None or rule.kind != "must_see" else f"{rule.value:g}",
            "place": rule.place,
            "only in": rule.section,
        }
        parts = [f"{name} {each}" for name, each in effect.items() if each is not None]
        times = {"from": rule.starts_at, "until": rule.ends_at, "removed": rule.removed_at}
        parts += [f"{name} {to_iso(at)[:19]}Z" for name, at in times.items() if at is not None]
        acts = "acts" if listed.in_force else "rests"
        typer.echo(
            f"{rule.id}  {acts:5}  {rule.kind:8}  {rule.field}={rule.match}  {', '.join(parts)}, "
            f"by {rule.created_by}"
        )
    if not found:
        typer.echo("no rules stand; `attune rules add` adds one")


@app.command()
def remove(
    rule: Annotated[str, typer.Argument(help="Id of the rule, as `attune rules list` shows it.")],
    database_url: DatabaseUrl = None,
) -> None:
    """Remove a rule for good. It stays on record."""
    from api.application import editorial
    from api.application.context import opened_application
    from recsys.errors import RequestError

    with opened_application(settings_from(database_url, None)) as application:
        if not editorial.remove_rule(application, rule, actor="cli"):
            raise RequestError(f"no rule {rule!r} stands: `attune rules list` shows the ids")
    typer.echo(f"rule {rule} is removed")
