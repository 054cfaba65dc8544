"""Messages: read once, completed from the settings, and rendered to bytes.

``message`` and ``attachment`` have the public classes, ``reading`` converts their values to plain ones,
``drafting`` adds defaults, ``writing`` and ``rendering`` produce the bytes and the envelope.
"""
