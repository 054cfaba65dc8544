"""The extensions of the shop, which the application factory initialises."""

from __future__ import annotations

from flask_mail import Mail

mail = Mail()
