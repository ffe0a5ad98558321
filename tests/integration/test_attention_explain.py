import json
from pathlib import Path

from typer.testing import CliRunner

from api.cli import app
from tests.trained import populated, world


def test_explaining_an_article_shows_what_its_vector_loses_without_each_word(tmp_path: Path) -> None:
    where, file = populated(tmp_path), tmp_path / "why.json"
    article = world().articles["id"][0]
    at = ["--database-url", where.settings.database_url, "--home", str(where.home)]
    result = CliRunner().invoke(app, ["attention", "explain", article, "--json", str(file), *at])
    assert result.exit_code == 0, result.output
    reported = json.loads(file.read_text())
    assert reported["article"] == article
    assert " ".join(word["word"] for word in reported["words"]) == reported["text"]
    assert world().articles["title"][0] in reported["text"]
    assert all(word["change"] > 0 for word in reported["words"])
    assert {word["probability"] for word in reported["words"]} == {None}, "before a bundle nobody judges words"
    assert all(word["word"] in result.output for word in reported["words"])
    assert -1 <= reported["abstract"]["cosine"] <= 1
    assert reported["abstract"]["weight"] is None
    assert "cosine" in result.output
