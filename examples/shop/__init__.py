"""A small shop that sends mail: sign-up, invoices, a newsletter, a contact form.

The application factory is here, and nothing else. What a visitor does is in ``views``, what the shop's
people do in ``commands``, what the shop writes in ``mails``, what it knows in ``store``. Run it with
``flask --app shop run``, see it at work with ``python -m shop.demo``.
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
    # Links in emails start with this, and not with the host of the request, which the client chooses.
    "SHOP_URL": "https://shop.example",
    "SHOP_OWNER": "owner@shop.example",
    "SHOP_BOUNCES": "bounce@shop.example",
    "SHOP_ARCHIVE": "archive@example.com",
    "SHOP_AUDIT": "audit@example.com",
    # Seconds. Servers that greylist want a minute or more; one second shows it.
    "SHOP_RETRY_AFTER": 1.0,
    "SHOP_CLOCK": time.time,
}


def create_app(config: Mapping[str, Any] | None = None) -> Flask:
    """Return a shop with some customers and orders in it.

    :param config: wins over the environment (``FLASK_MAIL_SERVER=...``), which wins over the defaults.
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
