"""Invoices as PDF files."""

from __future__ import annotations

from fpdf import FPDF

from .store import Order


def invoice_pdf(order: Order) -> bytes:
    """Return an invoice of one page."""
    pdf = FPDF()
    pdf.set_title(f"Invoice #{order.number}")
    pdf.add_page()
    pdf.set_font("helvetica", size=20)
    pdf.cell(text=f"Invoice #{order.number}", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("helvetica", size=12)
    pdf.cell(text=f"For {order.customer.name}", new_x="LMARGIN", new_y="NEXT")
    rows = [
        ("Item", "Quantity", "Price"),
        *((item.name, str(item.quantity), str(item.total)) for item in order.items),
    ]
    with pdf.table([*rows, ("Total", "", str(order.total))]):
        pass
    return bytes(pdf.output())
