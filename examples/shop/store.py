"""The data of the shop: customers, orders, subscribers.

Each app has one store in memory; a real shop uses a database. Knows nothing of Flask or email.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from decimal import Decimal


@dataclass
class Customer:
    """Somebody who signed up."""

    email: str
    name: str = ""
    #: The last second factor that was sent; empty after use.
    code: str = ""
    password_hash: str = ""
    is_confirmed: bool = False


@dataclass(frozen=True)
class Item:
    """One row of an order."""

    name: str
    quantity: int
    price: Decimal

    @property
    def total(self) -> Decimal:
        return self.quantity * self.price


@dataclass
class Order:
    """What a customer ordered."""

    number: int
    customer: Customer
    items: list[Item]
    is_paid: bool = False

    @property
    def total(self) -> Decimal:
        return sum((item.total for item in self.items), Decimal("0.00"))


@dataclass
class Store:
    """Customers by address, orders by number, and the subscribers of the newsletter."""

    customers: dict[str, Customer] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    subscribers: list[str] = field(default_factory=list)

    @classmethod
    def with_examples(cls) -> Store:
        """Return a store with some customers, an order and subscribers."""
        ann, bob = Customer("ann@example.com", "Ann"), Customer("bob@example.com", "Bob Müller")
        items = [Item("Blue mug", 1, Decimal("7.50")), Item("Postcard", 3, Decimal("1.50"))]
        subscribers = ["ann@example.com", "bob@example.com", "carl@example.com", "dora@example.com"]
        return cls(
            {ann.email: ann, bob.email: bob},
            {12: Order(12, bob, items)},
            [*subscribers, "zoe@bücher.example"],
        )

    def sign_up(self, email: str, name: str) -> Customer:
        """Return the customer with this address, and create it if there is none."""
        return self.customers.setdefault(email, Customer(email, name))

    def unsubscribe(self, email: str) -> None:
        """Send no more newsletters to this address."""
        self.subscribers = [subscriber for subscriber in self.subscribers if subscriber != email]
