"""The views of the shop. They take forms and return JSON; pages that emails link to are HTML.

If the mail server cannot be reached, the status is 503: the visitor can try again. If the visitor's input is
invalid, such as an address or a name with a line break, the status is 400.
"""

from __future__ import annotations

import hmac
import smtplib
from secrets import randbelow

from flask import abort
from flask import Blueprint
from flask import current_app
from flask import render_template
from flask import request
from flask import session
from flask.typing import ResponseReturnValue
from werkzeug.security import generate_password_hash

from flask_mail import MessageError

from . import emails
from . import tokens
from .extensions import mail
from .sending import is_temporary
from .sending import send_in_background
from .sending import send_or_retry
from .store import Store

blueprint = Blueprint("shop", __name__)
DAY = 24 * 60 * 60


def the_store() -> Store:
    """Return the store of the current app."""
    store: Store = current_app.extensions["shop"]
    return store


def is_same(code: str, given: str) -> bool:
    """Compare the codes in constant time."""
    return hmac.compare_digest(code.encode(), given.encode())


@blueprint.get("/")
def index() -> ResponseReturnValue:
    return render_template("page/index.html")


@blueprint.post("/signup")
def signup() -> ResponseReturnValue:
    customer = the_store().sign_up(request.form["email"], request.form.get("name", ""))
    customer.code = f"{randbelow(10**6):06}"
    send_or_retry(emails.confirmation(customer))
    session["email"] = customer.email
    return {"message": "Look into your mailbox."}, 202


@blueprint.get("/confirm/")
def confirm() -> ResponseReturnValue:
    if "token" not in request.args:
        return render_template("page/token.html")
    email = tokens.read("confirm", request.args["token"], max_age=7 * DAY)
    customer = the_store().customers.get(email or "") or abort(400, "The link is not valid any more.")
    customer.is_confirmed = True
    return render_template("page/message.html", text=f"Thank you, {customer.email} is confirmed.")


@blueprint.post("/2fa")
def second_factor() -> ResponseReturnValue:
    customer = the_store().customers.get(session.get("email", ""))
    if not (customer and customer.code and is_same(customer.code, request.form["code"])):
        return {"error": "That is not the code we sent."}, 403
    customer.code = ""
    return {"message": "Welcome back."}


@blueprint.post("/orders/<int:number>/pay")
def pay(number: int) -> ResponseReturnValue:
    order = the_store().orders.get(number) or abort(404)
    order.is_paid = True
    with mail.connect() as connection:
        connection.send(emails.thanks(order))
        connection.send(emails.invoice(order))
    return {"paid": str(order.total)}


@blueprint.post("/newsletter")
def newsletter() -> ResponseReturnValue:
    subject = request.form.get("subject", "New mugs")
    text = request.form.get("text", "They are blue, and they hold coffee.")
    refused: list[str] = []
    subscribers = the_store().subscribers
    with mail.connect() as connection:
        for subscriber in subscribers:
            receipt = connection.send(emails.newsletter(subscriber, subject, text))
            refused += receipt.refused
    return {"sent": len(subscribers) - len(refused), "refused": refused}


@blueprint.route("/unsubscribe/", methods=["GET", "POST"])
def unsubscribe() -> ResponseReturnValue:
    email = tokens.read("unsubscribe", request.args.get("token", "")) or abort(400, "The link is not valid.")
    if request.method == "GET":
        # Mail scanners open every link: only a POST, from the button or the mail client, unsubscribes.
        return render_template("page/unsubscribe.html", email=email)
    the_store().unsubscribe(email)
    return render_template("page/message.html", text=f"{email} gets no more newsletters.")


@blueprint.post("/contact")
def contact() -> ResponseReturnValue:
    form = request.form
    mail.send(emails.contact(form["name"], form["message"], form.get("email", "")))
    return {"message": "Thank you, we will answer."}


@blueprint.post("/invite")
def invite() -> ResponseReturnValue:
    mail.send(emails.invitation(request.form["to"]))
    return {"message": "Invited."}


@blueprint.post("/share")
def share() -> ResponseReturnValue:
    receipt = mail.send(emails.offer(request.form.getlist("to") or the_store().subscribers))
    return {"refused": list(receipt.refused)}


@blueprint.post("/export")
def export() -> ResponseReturnValue:
    send_in_background(emails.export, list(the_store().orders.values()))
    return {"message": "You get an email when it is ready."}, 202


@blueprint.post("/reset")
def reset() -> ResponseReturnValue:
    # The response is the same for every address, so that it does not reveal who is a customer.
    if customer := the_store().customers.get(request.form["email"]):
        mail.send(emails.password_reset(customer))
    return {"message": "If we know the address, an email is on its way."}, 202


@blueprint.route("/password/", methods=["GET", "POST"])
def new_password() -> ResponseReturnValue:
    email = tokens.read("password", request.args.get("token", ""), max_age=DAY)
    customer = the_store().customers.get(email or "") or abort(400, "The link is not valid any more.")
    if request.method == "GET":
        return render_template("page/new_password.html")
    customer.password_hash = generate_password_hash(request.form["password"])
    return render_template("page/message.html", text="Your new password is set.")


@blueprint.app_errorhandler(MessageError)
def refuse_message(error: MessageError) -> ResponseReturnValue:
    return {"error": str(error)}, 400


@blueprint.app_errorhandler(smtplib.SMTPRecipientsRefused)
def name_refused_recipients(error: smtplib.SMTPRecipientsRefused) -> ResponseReturnValue:
    status = 503 if is_temporary(error) else 422
    return {"error": "The email was refused.", "refused": list(error.recipients)}, status


@blueprint.app_errorhandler(OSError)
def ask_to_try_again(error: OSError) -> ResponseReturnValue:
    current_app.logger.error("The email was not sent.", exc_info=error)
    return {"error": "The email cannot be sent at the moment."}, 503
