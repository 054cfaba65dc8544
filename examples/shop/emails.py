"""The emails of the shop: each function returns a message that is ready to send.

The texts are in ``templates/mail``. Without a ``.txt`` template, the plain text is generated from the HTML.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask import render_template

from flask_mail import Message

from . import tokens
from .invoices import invoice_pdf
from .store import Customer
from .store import Order

STATIC = Path(__file__).parent / "static"
LOGO = STATIC / "logo.png"
TERMS = STATIC / "terms.pdf"


def confirmation(customer: Customer) -> Message:
    """Return the email that confirms an address, with a link and a code."""
    message = Message("Confirm your address", [_address(customer)])
    url = _link("shop.confirm", token=tokens.sign("confirm", customer.email))
    _write(message, "confirmation", customer=customer, url=url)
    message.attach_file(TERMS)
    return message


def thanks(order: Order) -> Message:
    """Return the short note after a payment."""
    message = Message("Thanks", [_address(order.customer)])
    message.body = render_template("mail/thanks.txt", order=order)
    return message


def invoice(order: Order) -> Message:
    """Return the invoice as HTML with the logo, and as PDF. The archive gets a blind copy."""
    message = Message(
        f"Invoice #{order.number}", [_address(order.customer)], bcc=[current_app.config["SHOP_ARCHIVE"]]
    )
    message.html = render_template("mail/invoice.html", order=order, logo=message.embed(LOGO))
    message.attach(f"invoice-{order.number}.pdf", "application/pdf", invoice_pdf(order))
    return message


def newsletter(subscriber: str, subject: str, text: str) -> Message:
    """Return one subscriber's copy, with an address for bounces and one-click unsubscribe."""
    config = current_app.config
    message = Message(subject, [subscriber], bcc=[config["SHOP_AUDIT"]], envelope_from=config["SHOP_BOUNCES"])
    url = _link("shop.unsubscribe", token=tokens.sign("unsubscribe", subscriber))
    _write(message, "newsletter", text=text, url=url)
    message.list_unsubscribe(url, one_click=url.startswith("https:"))
    return message


def contact(name: str, text: str, email: str = "") -> Message:
    """Return a visitor's message to the owner. Replies go to the visitor, who is never the sender."""
    message = Message(f"Message from {name}", [current_app.config["SHOP_OWNER"]], body=text)
    message.reply_to = [(name, email)] if email else None
    return message


def invitation(friend: str) -> Message:
    """Return an invitation to the shop."""
    message = Message("You are invited", [friend])
    _write(message, "invitation", url=_link("shop.index"))
    return message


def offer(friends: list[str]) -> Message:
    """Return one email to several friends, who see each other's addresses."""
    message = Message("Have you seen these mugs?", friends)
    _write(message, "offer", url=_link("shop.index"))
    return message


def password_reset(customer: Customer) -> Message:
    """Return the email to a customer who forgot the password."""
    message = Message("Choose a new password", [_address(customer)])
    url = _link("shop.new_password", token=tokens.sign("password", customer.email))
    _write(message, "password_reset", customer=customer, url=url)
    return message


def export(orders: Iterable[Order]) -> Message:
    """Return the owner's list of all orders as CSV."""
    message = Message("Your export is ready", [current_app.config["SHOP_OWNER"]])
    table = io.StringIO()
    rows = [(order.number, order.customer.name, order.total, order.is_paid) for order in orders]
    csv.writer(table).writerows([("number", "customer", "total", "paid"), *rows])
    _write(message, "export", count=len(rows))
    message.attach("orders.csv", "text/csv", table.getvalue())
    return message


def _write(message: Message, template: str, **values: Any) -> None:
    message.body = render_template(f"mail/{template}.txt", **values)
    message.html = render_template(f"mail/{template}.html", **values)


def _address(customer: Customer) -> tuple[str, str]:
    return customer.name, customer.email


def _link(endpoint: str, **values: Any) -> str:
    """Return a URL of the shop. It needs no request, because commands do not have one."""
    start = urlsplit(current_app.config["SHOP_URL"])
    routes = current_app.url_map.bind(start.netloc, url_scheme=start.scheme)
    return routes.build(endpoint, values, force_external=True)
