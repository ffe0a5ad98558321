"""Converter of ids in paths, `{name:id}` in routes: any characters, including slashes and line breaks."""

from starlette.convertors import Convertor, register_url_convertor


class _Id(Convertor[str]):
    # Starlette's `path` stops at a line break, and its `$` ignores a last one: "r\n" would be answered as "r".
    regex = r"(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("id", _Id())
