"""The smallest files of 3D models and vector pictures that programs can open."""

import json
import random
import struct
from xml.sax.saxutils import escape

from simulator.nodes.values import Facts


def glb(trail: str) -> bytes:
    """A binary glTF file of one tetrahedron, whose corners and colour a digest chooses."""
    dice = random.Random(trail)
    corners = [tuple(dice.uniform(0.4, 1.0) * side for side in signs) for signs in _SIGNS]
    faces = (0, 1, 2, 0, 3, 1, 0, 2, 3, 1, 3, 2)
    points = b"".join(struct.pack("<3f", *corner) for corner in corners)
    places = struct.pack("<12H", *faces)
    colour = [round(dice.random(), 3) for _ in range(3)]
    scene = {
        "asset": {"version": "2.0", "generator": "simulated"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
        "materials": [{"pbrMetallicRoughness": {"baseColorFactor": [*colour, 1.0]}}],
        "buffers": [{"byteLength": len(points) + len(places)}],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(points)},
            {"buffer": 0, "byteOffset": len(points), "byteLength": len(places)},
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": 4,
                "type": "VEC3",
                "min": [min(corner[axis] for corner in corners) for axis in range(3)],
                "max": [max(corner[axis] for corner in corners) for axis in range(3)],
            },
            {"bufferView": 1, "componentType": 5123, "count": 12, "type": "SCALAR"},
        ],
    }
    return container(scene, points + places)


_SIGNS = ((1, 1, 1), (-1, -1, 1), (-1, 1, -1), (1, -1, -1))


def container(scene: object, binary: bytes) -> bytes:
    """The two chunks of a GLB file, each filled up to four bytes."""
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    binary += bytes(-len(binary) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text
    chunks += struct.pack("<I4s", len(binary), b"BIN\0") + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def with_extras(data: bytes, extras: dict[str, str]) -> bytes:
    """A GLB file with texts in its `asset.extras`; other data stays as it is."""
    if data[:4] != b"glTF" or not extras:
        return data
    (length,) = struct.unpack_from("<I", data, 12)
    scene = json.loads(data[20 : 20 + length])
    scene["asset"]["extras"] = extras
    return container(scene, data[28 + length :])


def svg(trail: str, facts: Facts) -> bytes:
    """A vector picture of a few circles, with what was asked for as its title."""
    dice = random.Random(trail)
    circles = "".join(
        f'<circle cx="{dice.randrange(512)}" cy="{dice.randrange(512)}" r="{dice.randrange(20, 160)}" '
        f'fill="hsl({dice.randrange(360)} 70% 60%)" opacity="0.8"/>'
        for _ in range(9)
    )
    title = escape(facts.text)
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512" viewBox="0 0 512 512">'
    return f"{head}<title>{title}</title>{circles}</svg>".encode()
