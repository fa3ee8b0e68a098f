"""What the editor keeps on the server for its users."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.simulator.conftest import Client, Start

BYTES = "application/octet-stream"


async def test_files_of_a_user(client: Client) -> None:
    """Kept, not overwritten, read as a download, listed, moved, deleted; nothing leads out."""
    file, moved = "/userdata/workflows%2Fbot.json", "/userdata/workflows%2Fbot2.json"
    steps = [
        ("POST", file, '"workflows/bot.json"'),
        ("POST", f"{file}?overwrite=false", "File already exists"),
        ("GET", file, '{"a":1}'),
        ("GET", "/userdata?dir=workflows", '["bot.json"]'),
        (
            "GET",
            "/userdata?dir=.&recurse=true&split=true",
            '[["workflows/bot.json", "workflows", "bot.json"]]',
        ),
        ("GET", "/v2/userdata?path=workflows/bot.json", "Requested path is not a directory"),
        ("POST", f"{file}/move/workflows%2Fbot2.json", '"workflows/bot2.json"'),
        ("GET", file, ""),
        ("POST", f"{moved}/move/..%2F..%2Fx", ""),
        ("POST", f"{moved}/move/workflows%2Fbot2.json?overwrite=false", "File already exists"),
        ("POST", "/userdata/..%2F..%2Fx", ""),
        ("DELETE", moved, ""),
        ("DELETE", moved, ""),
        ("GET", "/users", '{"storage": "server", "migrated": true}'),
    ]
    statuses = []
    for method, path, body in steps:
        status, _, text = await client.raw(method, path, data='{"a":1}' if method == "POST" else None)
        assert text == body, path
        statuses.append(status)
    assert statuses == [200, 409, 200, 200, 200, 400, 200, 404, 403, 409, 403, 204, 404, 200]


async def test_what_is_known_of_a_users_file(client: Client) -> None:
    """Size and times in milliseconds; the other list has folders first, and seconds."""
    status, _, text = await client.raw("POST", "/userdata/d%2Fb.txt?full_info=true", data="hello")
    about = json.loads(text)
    assert (status, about) == (
        200,
        {"path": "d/b.txt", "size": 5, "modified": about["modified"], "created": about["created"]},
    )
    listed = await client.get("/userdata?dir=d&full_info=true")
    assert listed == [{**about, "path": "b.txt"}]
    await client.raw("POST", "/userdata/a.txt", data="x")
    tree = await client.get("/v2/userdata")
    assert [(entry["type"], entry["path"], entry.get("size")) for entry in tree] == [
        ("directory", "d", None),
        ("file", "a.txt", 1),
        ("file", "d/b.txt", 5),
    ]
    assert int(tree[2]["modified"] * 1000) == about["modified"]


@pytest.mark.parametrize(
    ("name", "kind", "disposition"),
    [
        ("w.json", "application/json", "attachment"),
        ("x.html", BYTES, "attachment"),
        ("user.css", "text/css", "inline"),
        ("other.css", BYTES, "attachment"),
    ],
)
async def test_a_users_file_is_a_download(client: Client, name: str, kind: str, disposition: str) -> None:
    """But for the style sheet of the editor."""
    await client.raw("POST", f"/userdata/{name}", data="x")
    async with client.session.get(f"{client.simulator.url}/userdata/{name}") as answer:
        told = {key: answer.headers[key] for key in ("Content-Type", "Content-Disposition")}
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert told == {"Content-Type": kind, "Content-Disposition": disposition}


async def test_settings_are_kept(client: Client) -> None:
    """Together and one by one, over a restart."""
    await client.ask("POST", "/settings", json={"a": 1, "b": 2})
    await client.ask("POST", "/settings/b", json={"c": 3})
    await client.simulator.faults.restart()
    assert await client.get("/settings") == {"a": 1, "b": {"c": 3}}
    assert await client.get("/settings/b") == {"c": 3}


async def test_many_users(start: Start) -> None:
    """Each has files and settings of their own; who has no account is refused in four ways."""
    client: Client = await start(multi_user=True)
    assert await client.get("/users") == {"storage": "server", "users": {}}
    status, user = await client.ask("POST", "/users", json={"username": "Ann Lee"})
    assert (status, user[:8]) == (200, "Ann-Lee_")
    duplicate = await client.ask("POST", "/users", json={"username": "Ann Lee"})
    assert duplicate == (400, {"error": "Duplicate username."})
    assert await client.get("/users") == {"storage": "server", "users": {user: "Ann Lee"}}
    header = {"comfy-user": user}
    assert (await client.ask("POST", "/settings", json={"a": 1}, headers=header))[0] == 200
    assert await client.ask("GET", "/settings", headers=header) == (200, {"a": 1})
    asked = ("/settings", "/userdata?dir=x", "/v2/userdata", "/userdata/x")
    assert [(await client.ask("GET", path))[0] for path in asked] == [401, 500, 403, 500]
