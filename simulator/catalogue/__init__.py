"""The node classes as data: `classes.json`, and the script that makes it."""
