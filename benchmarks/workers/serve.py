"""Serve SMTP on loopback until standard input ends, with the options given, and tell the port as JSON.

The server is the one of our pytest plugin: no other offers CHUNKING, or PIPELINING on wish.
"""

from __future__ import annotations

import json
import sys

from pytest_flask_mail import SMTPServer

with SMTPServer(**json.loads(sys.argv[1])) as server:
    print(json.dumps({"port": server.port, "ca_file": server.ca_file}), flush=True)
    sys.stdin.read()
