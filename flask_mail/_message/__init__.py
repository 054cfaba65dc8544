"""Messages: what users fill in, read once, completed from the settings, and rendered to bytes.

``message`` and ``attachment`` are the public classes, ``reading`` turns their values into plain ones,
``drafting`` fills in defaults, ``writing`` and ``rendering`` make the bytes and the envelope.
"""
