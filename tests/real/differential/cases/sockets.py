"""Websockets: the first messages, who hears what, and losing the connection."""

from __future__ import annotations

import json

from yarl import URL

from tests.real.differential.answers import Json
from tests.real.differential.case import Group
from tests.real.differential.graphs import inverted, slow
from tests.real.differential.masks import without_position
from tests.real.differential.side import FLAGS, Side

sockets = Group("socket")


@sockets
async def first_connect(side: Side) -> Json:
    """The first status, the answer to the flags, and none to later ones."""
    socket = await side.open("differential-a")
    await socket.until("status")
    first = socket.taken()
    await socket.ws.send_json(FLAGS)
    flags = await socket.settled()
    await socket.ws.send_json(FLAGS)
    again = await socket.settled()
    return {"first": first, "flags": flags, "again": again}


@sockets
async def handshake_headers(side: Side) -> Json:
    """What the upgrade answers."""
    socket = await side.connect()
    headers = socket.ws._response.headers
    wanted = ("Upgrade", "Connection", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Content-Type")
    return {name: headers.get(name) for name in wanted}


@sockets
async def without_a_client_id(side: Side) -> list[Json]:
    """The server makes an id: none given, an empty one, and the route below /api."""
    seen = []
    for path in ("/ws", "/ws?clientId=", "/api/ws"):
        async with side.session.ws_connect(URL(side.url + path)) as ws:
            seen.append(json.loads((await ws.receive(timeout=20)).data))
    return seen


@sockets
async def odd_client_ids(side: Side) -> list[Json]:
    """Ids with spaces and letters of other alphabets come back as they are."""
    seen = []
    for client_id in ("a b", "кот", "x" * 300, "a&b=c"):
        socket = await side.open(client_id)
        await socket.until("status")
        seen += socket.taken()
    return seen


@sockets
async def messages_before_the_flags(side: Side) -> dict[str, list[Json]]:
    """Only the first JSON object counts; what comes before it decides whether the flags are answered."""
    seen = {}
    befores = {
        "not JSON": ["words"],
        "another object": ['{"type": "hello"}'],
        "a list": ["[1]"],
        "a number": ["5"],
        "an empty object": ["{}"],
        "text twice": ["words", "more words"],
    }
    for name, before in befores.items():
        socket = await side.connect(flags=False)
        for text in before:
            await socket.ws.send_str(text)
        await socket.ws.send_json(FLAGS)
        seen[name] = await socket.settled()
    odd = [
        {"type": "feature_flags"},
        {"type": "feature_flags", "data": None},
        {"type": "feature_flags", "data": []},
    ]
    for flags in odd:
        socket = await side.connect(flags=False)
        await socket.ws.send_json(flags)
        seen[json.dumps(flags)] = await socket.settled()
    return seen


@sockets
async def binary_to_the_server(side: Side) -> list[Json]:
    """Binary frames do not use up the turn of the flags."""
    socket = await side.connect(flags=False)
    await socket.ws.send_bytes(b"\0\0\0\1")
    await socket.ws.send_json(FLAGS)
    return await socket.settled()


@sockets
async def a_prompt_without_an_owner(side: Side) -> Json:
    """Progress goes to everybody, the rest to nobody."""
    listener = await side.connect()
    prompt_id = await side.queue(inverted(side.run_name, 0x808080))
    messages = await listener.idle()
    return {"messages": messages, "later": await listener.settled(), **await side.record(prompt_id)}


@sockets
async def an_interrupt_without_an_owner(side: Side) -> list[Json]:
    """Everybody hears that it was interrupted."""
    listener = await side.connect()
    await side.queue(slow(side.run_name, 0x818181))
    await listener.until("progress_state")
    await side.ask("POST", "/interrupt")
    frames = await listener.idle()
    kept = [frame for frame in without_position(frames) if frame["type"] != "status"]
    return kept + without_position(await listener.settled())


@sockets
async def an_owner_who_is_not_there(side: Side) -> list[Json]:
    """Others hear the counts alone."""
    listener = await side.connect()
    await side.queue(inverted(side.run_name, 0x828282), client_id="differential-nobody")
    return await listener.idle() + await listener.settled()


@sockets
async def strangers_hear_counts(side: Side) -> list[Json]:
    """A second socket hears of another's run."""
    owner, stranger = await side.connect(), await side.connect()
    prompt_id = await side.queue(inverted(side.run_name, 0x838383), client_id=owner.client_id)
    await owner.finished(prompt_id)
    return await stranger.settled()


@sockets
async def a_failure_without_an_owner(side: Side) -> Json:
    """Nobody hears of the error; the history has it."""
    listener = await side.connect()
    graph = inverted(side.run_name, 0x848484)
    graph["3"]["inputs"]["filename_prefix"] = "../out"
    prompt_id = await side.queue(graph)
    messages = await listener.idle() + await listener.settled()
    entry = (await side.get(f"/history/{prompt_id}"))[prompt_id]
    return {"messages": messages, "said": [name for name, _ in entry["status"]["messages"]]}


@sockets
async def reconnect_in_mid_run(side: Side) -> Json:
    """The same id comes back: told where the run is, then everything that is still to come."""
    socket = await side.connect()
    client_id = socket.client_id
    prompt_id = await side.queue(slow(side.run_name, 0x858585), client_id=client_id)
    await socket.until("executing", node="3")
    await socket.ws.close()
    back = await side.open(client_id)
    await back.until("executing")
    first = back.taken()
    first[1]["data"]["node"] = "<node>"
    first[2:] = []
    rest = without_position(await back.finished(prompt_id))
    return {"first": first, "rest": rest}


@sockets
async def reconnect_after_the_end(side: Side) -> list[Json]:
    """Nothing is sent again."""
    socket = await side.connect()
    prompt_id = await side.queue(inverted(side.run_name, 0x868686), client_id=socket.client_id)
    await socket.finished(prompt_id)
    await socket.ws.close()
    back = await side.open(socket.client_id)
    await back.until("status")
    return back.taken() + await back.settled()


@sockets
async def an_old_socket_takes_the_new_one_along(side: Side) -> Json:
    """Two sockets with one id: when the old one is closed, the new one stays open and hears nothing."""
    old = await side.connect("differential-zombie")
    new = await side.connect("differential-zombie")
    witness = await side.connect()
    first = await side.queue(inverted(side.run_name, 0x878787), client_id="differential-zombie")
    before = await new.finished(first)
    old_heard = await old.settled()
    await old.ws.close()
    await witness.settled()
    # The server forgets the old socket when its task ends, which the closing handshake may precede.
    await side.flush()
    await new.settled()
    second = await side.queue(inverted(side.run_name, 0x888888), client_id=witness.client_id)
    await witness.finished(second)
    return {"before": before, "old": old_heard, "after": await new.settled()}


@sockets
async def without_the_flags(side: Side) -> Json:
    """A run on a socket that never said anything."""
    return await side.run(inverted(side.run_name, 0x898989), await side.connect(flags=False))


@sockets
async def two_owners_in_turn(side: Side) -> Json:
    """Two prompts of two clients: each hears its own and all counts."""
    one, two, blocker = [await side.connect() for _ in range(3)]
    running = await side.queue(slow(side.run_name, 0x8A8A8A), client_id=blocker.client_id)
    await blocker.until("executing", prompt_id=running)
    await side.queue(inverted(side.run_name, 0x8B8B8B), client_id=one.client_id)
    second = await side.queue(inverted(side.run_name, 0x8C8C8C, "second"), client_id=two.client_id)
    await side.ask("POST", "/interrupt", json={"prompt_id": running})
    heard = await two.finished(second)
    return {"one": await one.settled(), "two": heard + await two.settled()}
