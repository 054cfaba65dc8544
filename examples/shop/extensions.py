"""The extensions of the shop, made here and bound to an app by the factory."""

from __future__ import annotations

from flask_mail import Mail

mail = Mail()
