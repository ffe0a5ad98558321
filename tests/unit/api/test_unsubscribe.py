import re

from fastapi.testclient import TestClient

from recsys.store import letters
from tests.trained import Place
from tests.unit.api.conftest import MakeClient


def away(where: Place) -> set[str]:
    database = where.open()
    with database.read() as connection:
        found = letters.unsubscribed_readers(connection)
    database.close()
    return found


def token_of(client: TestClient, reader: str) -> str:
    return str(client.app.state.unsubscribe_tokens.mint(reader))  # type: ignore[attr-defined]


def test_opening_the_link_changes_nothing_and_the_button_does(serve: MakeClient, where: Place) -> None:
    client = serve()
    token = token_of(client, "r1")
    page = client.get(f"/unsubscribe?token={token}", headers={"Accept-Language": "da"})
    assert page.status_code == 200 and "Afmeld" in page.text and away(where) == set()
    assert "form-action 'self'" in page.headers["content-security-policy"]
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None
    done = client.post(f"/{action[1]}")
    assert done.status_code == 200 and away(where) == {"r1"}
    again = re.search(r'action="([^"]+)"', done.text)
    assert again is not None
    assert client.post("/" + again[1].replace("&amp;", "&")).status_code == 200
    assert away(where) == set()


def test_one_click_of_a_mail_program_unsubscribes(serve: MakeClient, where: Place) -> None:
    client = serve()
    answer = client.post(
        f"/unsubscribe?token={token_of(client, 'r2')}",
        content="List-Unsubscribe=One-Click",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 200 and away(where) == {"r2"}


def test_no_other_token_unsubscribes_and_this_one_opens_nothing_else(serve: MakeClient, where: Place) -> None:
    client = serve()
    reader_token, _ = client.app.state.tokens.mint("r3", 600)  # type: ignore[attr-defined]
    for wrong in (reader_token, "", "a.b.c", token_of(client, "r3")[:-3] + "abc"):
        assert client.get(f"/unsubscribe?token={wrong}").status_code == 404
        assert client.post(f"/unsubscribe?token={wrong}").status_code == 404
    assert away(where) == set()
    headers = {"Authorization": f"Bearer {token_of(client, 'r3')}"}
    assert client.get("/v1/feed", headers=headers).status_code == 401
