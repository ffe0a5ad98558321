"""Page with all stored data of a reader, for people."""

from jinja2 import Environment, PackageLoader

from api.http.reader_schemas import ExportOut

_PAGES = Environment(loader=PackageLoader("api.http"), autoescape=True, trim_blocks=True, lstrip_blocks=True)


def export_page(export: ExportOut) -> str:
    """Return the HTML page; it loads nothing."""
    return _PAGES.get_template("export.html").render(export=export)
