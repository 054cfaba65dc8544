"""A small shop that sends email: sign-up, invoices, a newsletter, a contact form.

This module has the application factory only. Views are in ``views``, commands in ``commands``, emails in
``mails``, and customers and orders in ``store``. Run the shop with ``flask --app shop run``, or the demo with
``python -m shop.demo``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from flask import Flask

from .commands import newsletter
from .extensions import mail
from .store import Store
from .views import blueprint

DEFAULTS = {
    "SECRET_KEY": "dev",
    "MAIL_DEFAULT_SENDER": ("The Shop", "hello@shop.example"),
    # Links in emails do not use the host of the request, because the client can choose that.
    "SHOP_URL": "https://shop.example",
    "SHOP_OWNER": "owner@shop.example",
    "SHOP_BOUNCES": "bounce@shop.example",
    "SHOP_ARCHIVE": "archive@example.com",
    "SHOP_AUDIT": "audit@example.com",
    # Seconds. Servers that greylist require a minute or more; one second is enough for a demo.
    "SHOP_RETRY_AFTER": 1.0,
    "SHOP_CLOCK": time.time,
}


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return a shop with some customers and orders.

    :param config: overrides the environment (``FLASK_MAIL_SERVER=...``), which overrides the defaults.
    """
    app = Flask(__name__)
    app.config.from_mapping(DEFAULTS)
    app.config.from_prefixed_env()
    app.config.from_mapping(config)
    app.extensions["shop"] = Store.with_examples()
    mail.init_app(app)
    app.register_blueprint(blueprint)
    app.cli.add_command(newsletter)
    return app
