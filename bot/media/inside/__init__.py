"""What runs in a process of its own (`bot.media.process`): decoders, encoders and walks through files.

Pillow and PyAV are used here alone. Everything works from path to path, blocks, and may be ended at any
moment; nothing here is imported for more than its functions by the rest of the bot.
"""
