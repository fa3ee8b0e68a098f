"""Files: the spool, what people upload, what comes out. Pillow and PyAV stand nowhere else.

What the rest of the bot calls; all of it works off the event loop, decoders in a process of their own:

- `spool.Spool`: bytes by their SHA-256; `scratch()` is a folder to work in, `adopt(path)` keeps a file of it.
- `kinds`: `media_type(name, head)`, `family(media_type, head)`: what a file is, by its first bytes.
- `pictures.check_picture(data)`: an uploaded picture as a bare PNG, in memory.
- `uploads.check_upload(source, folder, accepted)`: the same for pictures, videos and sounds, as files.
- `outgoing`: `shrink` to a platform's limit, `thumbnail`, `poster` of a video, `contact_sheet` of several.
- `embedded`: `read_embedded` finds the graph that a file was made with, `strip` takes it out.
- `parameters.parse_parameters`: the text that A1111 writes.

A file that is no good raises `bot.errors.MediaRejected` with the sentence for people; one that can't be made
small enough raises `errors.DoesNotFit`. `process` says how work is bounded, `inside` holds what does it.
"""
