"""What codes are called, and what common refusals say: messages of the catalogue, translated where they are shown."""

from __future__ import annotations

from collections.abc import Mapping


def N_(message: str) -> str:
    """Marks a message for the catalogue."""
    return message


NAMES: Mapping[str, Mapping[str, str]] = {
    "material": {
        "gold_585": N_("Gold 585"),
        "gold_750": N_("Gold 750"),
        "silver_925": N_("Silver 925"),
        "platinum_950": N_("Platinum 950"),
    },
    "stone": {
        "cubic_zirconia_1_5mm": N_("Cubic zirconia 1.5 mm"),
        "diamond_1_3mm": N_("Diamond 1.3 mm"),
        "alexandrite_3mm": N_("Alexandrite 3 mm"),
    },
    "plating": {"gold": N_("Gold plating"), "rhodium": N_("Rhodium plating")},
    "noticed": {
        "facets-turned": N_("Some facets faced inwards and were turned"),
        "turned-inside-out": N_("The whole model was inside out and was turned"),
        "bodies-turned": N_("Some bodies were inside out and were turned"),
        "cavity-found": N_("Hollow spaces inside are not charged"),
        "overlap-counted-once": N_("Bodies overlap; what they share is charged once"),
        "overlap-not-measured": N_("Bodies may overlap where it could not be measured"),
        "degenerate-facets-ignored": N_("Facets without an area were passed over"),
        "polygons-split": N_("Faces of more than three corners were cut into triangles"),
        "lines-left-out": N_("Lines and loose points have no surface and were left out"),
        "parts-left-out": N_("Parts that the file marks as supports, or as not to be made, were left out"),
        "pose-left-out": N_("It is measured as it was drawn, without the pose that the file adds"),
        "unit-of-file": N_("The unit of its lengths is the one that the file says"),
    },
    "channel": {"shop": N_("Shop"), "partner": N_("Partner")},
    "work_state": {
        "RELEASED": N_("Free"),
        "CLAIMED": N_("Being made"),
        "COMPLETED": N_("Made"),
        "PACKING": N_("Being packed"),
        "SHIPPED": N_("Shipped"),
        "WITHDRAWN": N_("Cancelled"),
    },
    "status": {
        "INITIATED": N_("Started"),
        "FILE_UPLOADED": N_("Model uploaded"),
        "SUBMITTED": N_("Ordered"),
        "PRICE_CALCULATED": N_("Priced"),
        "MANUFACTURING_APPROVED": N_("Approved for production"),
        "MANUFACTURING_STARTED": N_("In production"),
        "MANUFACTURING_COMPLETED": N_("Produced"),
        "PACKAGING": N_("Packaging"),
        "SHIPPED": N_("Handed to the carrier"),
        "CLOSED": N_("Closed"),
        "PRICE_FAILED": N_("Cannot be priced"),
        "AWAITING_CUSTOMER": N_("Waits for the customer"),
        "REJECTED": N_("Rejected"),
        "CANCELLED": N_("Order cancelled"),
    },
    "role": {
        "customer": N_("customer"),
        "seller": N_("seller"),
        "operator": N_("operator"),
        "partner": N_("partner"),
        "administrator": N_("administrator"),
    },
}

PROBLEMS: Mapping[str, str] = {
    "role-required": N_("Your account may not do this. Ask an administrator for the role you need."),
    "session-over": N_("Your session is over. Sign in again."),
    "sign-in-required": N_("Sign in first."),
    "cross-site-request": N_("This request did not come from our own pages, so nothing was changed."),
    "not-found": N_("There is nothing at this address. Perhaps it was mistyped, or what was here has moved."),
    "method-not-allowed": N_("This address cannot be used like that. Go back and try again."),
    "invalid-request": N_("Something in the request cannot be understood. Go back and check what you entered."),
    "cursor-invalid": N_("This page of the list is gone. Open the list from the beginning."),
    "database-unavailable": N_("We cannot reach our database just now. Nothing was changed; try again in a moment."),
    "busy": N_("Too many people want the same thing at this moment. Nothing was changed; try again."),
    "internal-error": N_("This is our mistake and we have been told. Try again; if it stays, quote the number below."),
    "invalid-text": N_("The text holds characters that we cannot store. Remove them and try again."),
    "model-missing": N_("The model's file is not there: it was refused, or never arrived."),
    "files-unavailable": N_("We cannot reach our files just now. Try again in a moment."),
    "body-too-large": N_("This is more than can be sent at once. Make it shorter and try again."),
}
