"""Whole runs, message by message, and what history and jobs say after each."""

from __future__ import annotations

from tests.real.differential.answers import Json
from tests.real.differential.case import Group
from tests.real.differential.graphs import empty, encoded, inverted, node, photo, save, slow
from tests.real.differential.masks import without_position
from tests.real.differential.side import Side, Socket

runs = Group("run")


async def _slow(side: Side, colour: int) -> tuple[Socket, str]:
    """A long run that has begun."""
    socket = await side.connect()
    prompt_id = await side.queue(slow(side.run_name, colour), client_id=socket.client_id)
    await socket.until("executing", prompt_id=prompt_id, node="3")
    return socket, prompt_id


async def _ended(side: Side, socket: Socket, prompt_id: str) -> Json:
    """How a run ended that was stopped at some node or other."""
    messages = without_position(await socket.finished(prompt_id))
    record = await side.record(prompt_id)
    for entry in record["history"].values():
        del entry["prompt"][1:]
        entry["status"]["messages"] = without_position(
            [{"type": name, "data": data} for name, data in entry["status"]["messages"]]
        )
    record["job"].pop("workflow", None)
    record["job"].pop("execution_status", None)
    return {"messages": messages, **record}


@runs
async def plain(side: Side) -> Json:
    """Three nodes."""
    return await side.run(inverted(side.run_name))


@runs
async def again_from_the_cache(side: Side) -> list[Json]:
    """The same again, then another prefix, another colour, the first once more, other node ids."""
    graphs = [
        inverted(side.run_name),
        inverted(side.run_name),
        inverted(side.run_name, name="other"),
        inverted(side.run_name, 0x112244, "other"),
        inverted(side.run_name),
        {
            "a": empty(0x336699),
            "b": node("ImageInvert", image=["a", 0]),
            "c": save(["b", 0], f"{side.run_name}/flat"),
        },
    ]
    socket = await side.connect()
    return [await side.run(graph, socket) for graph in graphs]


@runs
async def other_metadata_from_the_cache(side: Side) -> list[Json]:
    """Other extra_pnginfo does not make it run again."""
    socket = await side.connect()
    infos = [{"workflow": {"v": 1}}, {"workflow": {"v": 2}}]
    graph = inverted(side.run_name)
    return [await side.run(graph, socket, extra_data={"extra_pnginfo": info}) for info in infos]


@runs
async def preview_from_the_cache(side: Side) -> list[Json]:
    """A preview's files keep their letters as long as it is cached."""
    socket = await side.connect()
    graph = {"1": empty(0x445566), "2": node("PreviewImage", images=["1", 0])}
    return [await side.run(graph, socket) for _ in range(2)]


@runs
async def a_changed_file_is_read_again(side: Side) -> list[Json]:
    """The same name with other bytes."""
    socket = await side.connect()
    seen = []
    for angle in (0, 0, 180):
        name = await side.upload("changing.png", encoded(photo().rotate(angle)))
        graph = {"1": node("LoadImage", image=name), "2": save(["1", 0], f"{side.run_name}/changing")}
        seen.append(await side.run(graph, socket))
    return seen


@runs
async def a_longer_graph(side: Side) -> list[Json]:
    """A second run that goes further takes the trunk from the cache."""
    socket = await side.connect()
    trunk = inverted(side.run_name, 0x987654)
    branch = {**trunk, "4": node("ImageInvert", image=["3", 0])}
    branch["5"] = node("PreviewImage", images=["4", 0])
    return [await side.run(trunk, socket), await side.run(branch, socket)]


@runs
async def free_memory_drops_the_cache(side: Side) -> list[Json]:
    """After /free with free_memory the same graph runs again."""
    socket = await side.connect()
    graph = inverted(side.run_name, 0x999999)
    first = await side.run(graph, socket)
    running, prompt_id = await _slow(side, 0x010101)
    await side.ask("POST", "/free", json={"free_memory": True})
    await side.ask("POST", "/interrupt")
    await running.finished(prompt_id)
    return [first, await _quiet(side, graph)]


async def _quiet(side: Side, graph: Json) -> Json:
    """A run on a fresh socket, whose statuses could be those of an earlier run."""
    seen = await side.run(graph)
    seen["messages"] = [frame for frame in seen["messages"] if frame["type"] != "status"]
    return seen


@runs
async def text_outputs(side: Side) -> Json:
    """A node that shows words."""
    return await side.run(
        {"1": node("PrimitiveString", value="wörds"), "2": node("PreviewAny", source=["1", 0])}
    )


@runs
async def nothing_to_save(side: Side) -> Json:
    """A value passes through a node that hands on what it shows."""
    return await side.run(
        {
            "1": node("PrimitiveInt", value=12),
            "2": node("PreviewAny", source=["1", 0]),
            "3": node("PreviewAny", source=["2", 0]),
        }
    )


@runs
async def fails_at_run_time(side: Side) -> Json:
    """A prefix that leads out of the output folder is found by the node itself."""
    return await side.run({"1": empty(), "2": save(["1", 0], "../out")})


@runs
async def fails_after_an_output(side: Side) -> Json:
    """What was saved before the failure stays in the history."""
    return await side.run(
        {
            "1": empty(0x00FF00),
            "2": save(["1", 0], f"{side.run_name}/before"),
            "3": node("ImageInvert", image=["2", 0]),
            "4": save(["3", 0], "../out"),
        }
    )


@runs
async def fails_in_the_middle(side: Side) -> Json:
    """A file that is no picture."""
    name = await side.upload("words.png", b"these are words")
    return await side.run({"1": node("LoadImage", image=name), "2": save(["1", 0], f"{side.run_name}/x")})


@runs
async def fails_by_a_value(side: Side) -> Json:
    """An expression that can't be computed."""
    return await side.run(
        {
            "1": node("PrimitiveInt", value=0),
            "2": node("ComfyMathExpression", expression="1 / a", **{"values.a": ["1", 0]}),
            "3": node("PreviewAny", source=["2", 0]),
        }
    )


@runs
async def the_next_after_a_failure(side: Side) -> list[Json]:
    """What was made before the failure is cached for the next one."""
    socket = await side.connect()
    failing = {"1": empty(0xABCDEF), "2": node("ImageInvert", image=["1", 0]), "3": save(["2", 0], "../out")}
    mended = {**failing, "3": save(["2", 0], f"{side.run_name}/mended")}
    return [await side.run(failing, socket), await side.run(mended, socket)]


@runs
async def interrupted(side: Side) -> Json:
    """Stopped by /interrupt with its id."""
    socket, prompt_id = await _slow(side, 0x101010)
    answer = (await side.ask("POST", "/interrupt", json={"prompt_id": prompt_id})).seen()
    return {"answer": answer, **await _ended(side, socket, prompt_id)}


@runs
async def interrupted_without_an_id(side: Side) -> Json:
    """Stopped by somebody who names nobody."""
    socket, prompt_id = await _slow(side, 0x202020)
    answer = (await side.ask("POST", "/interrupt")).seen()
    return {"answer": answer, **await _ended(side, socket, prompt_id)}


@runs
async def cancelled_while_running(side: Side) -> Json:
    """Stopped by the jobs API, and once more when it is over."""
    socket, prompt_id = await _slow(side, 0x303030)
    answer = (await side.ask("POST", f"/api/jobs/{prompt_id}/cancel")).seen()
    ended = await _ended(side, socket, prompt_id)
    again = (await side.ask("POST", f"/api/jobs/{prompt_id}/cancel")).seen()
    return {"answer": answer, **ended, "again": again}


@runs
async def interrupted_then_run_again(side: Side) -> Json:
    """What was made before the interrupt is cached for the next run."""
    socket, prompt_id = await _slow(side, 0x404040)
    await side.ask("POST", "/interrupt")
    await socket.finished(prompt_id)
    again = await side.run(slow(side.run_name, 0x404040), socket)
    cached = next(frame for frame in again["messages"] if frame["type"] == "execution_cached")
    return {"some cached": len(cached["data"]["nodes"]) > 0, "history": sorted(again["history"])}


@runs
async def removed_while_waiting(side: Side) -> dict[str, Json]:
    """Every way to remove a waiting prompt; its owner hears no more than a smaller count."""
    seen = {}
    ways: dict[str, tuple[str, Json]] = {
        "queue delete": ("/queue", {"delete": ["ID"]}),
        "queue clear": ("/queue", {"clear": True}),
        "jobs cancel": ("/api/jobs/cancel", {"job_ids": ["ID"]}),
    }
    for number, (name, (path, body)) in enumerate(ways.items()):
        running, prompt_id = await _slow(side, 0x505050 + number)
        owner = await side.connect()
        waiting = await side.queue(inverted(side.run_name, 9), client_id=owner.client_id)
        answer = (
            await side.ask(
                "POST",
                path,
                json={key: [waiting] if value == ["ID"] else value for key, value in body.items()},
            )
        ).seen()
        await owner.until("status", status={"exec_info": {"queue_remaining": 1}})
        seen[name] = {
            "answer": answer,
            "messages": await owner.settled(),
            "history": await side.get(f"/history/{waiting}"),
            "job": (await side.ask("GET", f"/api/jobs/{waiting}")).seen(),
        }
        await side.ask("POST", "/interrupt")
        await running.finished(prompt_id)
    return seen


@runs
async def order_of_the_waiting(side: Side) -> Json:
    """Numbers, front and the plain counter decide who is next; equal numbers go by id."""
    socket, first = await _slow(side, 0x606060)
    asked: dict[str, Json] = {
        "plain": {},
        "front": {"front": True},
        "far ahead": {"number": -1e9},
        "half": {"number": 0.5},
        "plain again": {},
        "front again": {"front": True},
        "equal b": {"number": 0.25, "prompt_id": "bbbbbbbb-0000-4000-8000-000000000000"},
        "equal a": {"number": 0.25, "prompt_id": "aaaaaaaa-0000-4000-8000-000000000000"},
    }
    names: dict[str, str] = {}
    signs = {}
    for colour, (name, body) in enumerate(asked.items()):
        graph = inverted(side.run_name, 0x700000 + colour)
        answer = await side.ask(
            "POST", "/prompt", json={"prompt": graph, "client_id": socket.client_id, **body}
        )
        given = answer.json()
        names[given["prompt_id"]] = name
        signs[name] = [type(given["number"]).__name__, given["number"] < 0]
    queued = await side.get("/queue")
    by_number = sorted(queued["queue_pending"], key=lambda item: (item[0], item[1]))
    await side.ask("POST", "/interrupt", json={"prompt_id": first})
    await socket.finished(first)
    last = by_number[-1][1]
    frames = await socket.finished(last)
    started = [frame["data"]["prompt_id"] for frame in frames if frame["type"] == "execution_start"]
    counts = [frame["data"]["status"]["exec_info"] for frame in frames if frame["type"] == "status"]
    return {
        "order": [names[prompt_id] for prompt_id in started],
        "by number": [names[item[1]] for item in by_number],
        "heap": [names[item[1]] for item in queued["queue_pending"]],
        "signs": signs,
        "counts": counts,
    }
