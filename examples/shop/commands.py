"""The commands of the shop: ``flask --app shop newsletter``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from dataclasses import field

import click
from flask.cli import with_appcontext

from flask_mail import Receipt

from . import emails
from .extensions import mail
from .views import the_store

OUTCOMES = ("accepted", "refused", "not sent", "unknown")


@click.command("newsletter")
@click.option("--subject", default="New mugs", show_default=True)
@click.option("--text", default="They are blue, and they hold coffee.", show_default=True)
@with_appcontext
def newsletter(subject: str, text: str) -> None:
    """Send the newsletter to all subscribers, and list those who did not get it."""
    subscribers = the_store().subscribers
    receipts = mail.send_many(emails.newsletter(subscriber, subject, text) for subscriber in subscribers)
    report = Report(len(subscribers))
    try:
        with click.progressbar(receipts, length=len(subscribers), label="Newsletter") as bar:
            for receipt, subscriber in zip(bar, subscribers, strict=True):
                report.add(subscriber, receipt)
    except OSError as error:
        raise click.ClickException(f"The mail server is lost. {error}") from error
    finally:
        click.echo(str(report))


@dataclass
class Report:
    """Counts the outcomes, and lists the failures. Keeps no receipts: each holds a message."""

    #: The number of subscribers.
    expected: int
    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    def add(self, subscriber: str, receipt: Receipt) -> None:
        """Add the receipt of one message."""
        outcome, reason = fate(receipt)
        self.outcomes[outcome] += 1
        if outcome != "accepted":
            self.failures.append(f"{outcome}: {subscriber}: {reason}")

    def __str__(self) -> str:
        counts = [f"{self.outcomes[outcome]} {outcome}" for outcome in OUTCOMES]
        if suppressed := self.outcomes["suppressed"]:
            counts.append(f"{suppressed} suppressed")
        if untried := self.expected - sum(self.outcomes.values()):
            counts.append(f"{untried} not tried")
        return "\n".join([*self.failures, ", ".join(counts)])


def fate(receipt: Receipt) -> tuple[str, str]:
    """Return the outcome for the subscriber, and the reason."""
    # The subscriber is the first recipient. If only the audit gets a copy, the message counts as accepted.
    subscriber = "".join(receipt.envelope.rcpt_tos[:1])
    if reply := receipt.refused.get(subscriber):
        return "refused", f"{reply.code} {reply.text}"
    return receipt.outcome, str(receipt.error or "sending is suppressed")
