"""The client of one ComfyUI server: everything that knows its HTTP, its websocket and its words."""
