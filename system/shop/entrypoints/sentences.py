"""What the pages of carts and orders say: of what was refused, of a step of the road, of a cart's line that is in trouble."""

from __future__ import annotations

from system.pagekit.words import N_

PROBLEMS = {
    "order-not-found": N_("You have no such order. Perhaps it belongs to another account: see your own orders."),
    "line-not-found": N_("This piece is not in your cart any more. See below what is."),
    "quantity-refused": N_("Choose between 1 and %(at_most)s pieces."),
    "order-is-full": N_(
        "A cart holds at most %(at_most)s different pieces. Order these first, then begin another cart."
    ),
    "order-was-changed": N_(
        "Your cart changed in another window meanwhile. See below what is in it now, and try again."
    ),
    "order-already-submitted": N_("This was ordered already. For more pieces begin another cart."),
    "order-has-ended": N_("Nothing more happens to this order. Begin another cart."),
    "empty-order": N_("There is nothing in your cart yet."),
    "quote-does-not-fit": N_(
        "The price we have is for something else. Take the piece out of the cart and put it in again."
    ),
    "file-not-found": N_("You have no such model. Perhaps it belongs to another account: choose it again."),
    "file-not-verified": N_("This model is not checked yet. Wait a moment, then try again."),
    "quote-not-found": N_("You have no such price. Open your model again and ask for its price."),
    "price-not-ready": N_("The price of one piece is not there yet. Wait a moment, then try again."),
    "price-failed": N_(
        "One piece cannot be made as it is, so it has no price. Take it out of the cart, then order the rest."
    ),
    "price-changed": N_("The price has changed since you looked. See the new sum, and order again if you agree."),
    "goods-missing": N_("Not everything in your cart can be had now. Change or remove the marked pieces first."),
    "nothing-to-consent-to": N_("No price waits for your answer any more. See below where your order is now."),
    "consent-already-given": N_("You answered this question already, and that answer stands."),
    "cancellation-refused": N_(
        "It is too late to cancel: the order is further on its way. Write to us if something is wrong."
    ),
    "order-not-submitted": N_("This is still a cart. Order it first, then write to us about it."),
    "order-on-its-way": N_("This order is only just on its way to us. Try again in a moment."),
    "order-link-unknown": N_("This link leads to no order. Copy the whole of it from where you got it."),
    "idempotency-key-reused": N_("This form was sent already. Load the page again."),
    "request-in-progress": N_("We are still at work on what you sent before. Load the page again in a moment."),
    "return-too-early": N_("It has not left us yet, so it cannot be returned. You can tell us what is wrong."),
    "return-too-late": N_("It could be returned until %(until)s. You can still tell us what is wrong."),
    "case-already-open": N_(
        "We are looking into this order already. Write to us below: we read it together with that."
    ),
    "case-incomplete": N_("Say what you would like, and why."),
    "model-in-use": N_("The order %(number)s needs this model, so it stays. Out of a cart you can take it yourself."),
    "text-missing": N_("Write at least a word, and at most %(characters_max)s characters."),
    "field-missing": N_("Fill this in."),
    "field-too-long": N_("At most %(characters_max)s characters."),
    "field-too-short": N_("This is too short."),
    "email-unreadable": N_("This does not look like an e-mail address. It has the form name@example.com."),
    "pricing-unavailable": N_("We cannot ask for prices just now. Nothing was changed; try again in a moment."),
    "identity-unavailable": N_("We cannot open a cart for you just now. Try again in a moment."),
    "orchestrator-unavailable": N_(
        "We cannot reach the part that moves orders just now. Nothing was changed; try again."
    ),
    "crm-unavailable": N_("Letters cannot be passed on just now. Yours was not sent; try again in a moment."),
}

NAMES = {
    "happens": {
        "INITIATED": N_("You have begun an order."),
        "FILE_UPLOADED": N_("Your model is here. The order is yet to be placed."),
        "SUBMITTED": N_("We have your order and are settling its price. This takes a few minutes at most."),
        "PRICE_CALCULATED": N_("The price is settled. A seller looks through your order and confirms it."),
        "MANUFACTURING_APPROVED": N_("Your order is confirmed and waits for a free jeweller."),
        "MANUFACTURING_STARTED": N_("A jeweller is at work on it."),
        "MANUFACTURING_COMPLETED": N_("It is finished and goes to be packed."),
        "PACKAGING": N_("It is being packed for the journey."),
        "SHIPPED": N_("It is on its way to you."),
        "CLOSED": N_("It has arrived. Wear it with joy!"),
        "AWAITING_CUSTOMER": N_("The price is not the one you agreed to. Nothing goes on until you have answered."),
        "PRICE_FAILED": N_("We could not find a price for this: it cannot be made as it is. You owe nothing."),
        "REJECTED": N_("Our seller could not accept this order. You owe nothing."),
        "CANCELLED": N_("This order is cancelled. You owe nothing."),
    },
    "place": {
        "done": N_("done"),
        "now": N_("now"),
        "later": N_("still to come"),
        "never": N_("does not happen any more"),
    },
    "why_asked": {
        "above_estimate": N_("The exact price is higher than the estimate you saw."),
        "expired": N_("The price you saw was valid for a day, and that day is over."),
        "metal_moved": N_("The price of the metal has moved since."),
    },
    "why": {
        "sold-out": N_("Others were quicker: there are not enough pieces left."),
        "declined": N_("You did not agree to the new price."),
    },
    "unit": {"mm": N_("millimetres"), "cm": N_("centimetres"), "in": N_("inches")},
    "price_part": {
        "metal": N_("Metal"),
        "work": N_("Work of our workshop"),
        "stones": N_("Stones"),
        "plating": N_("Plating"),
        "engraving": N_("Engraving"),
        "discount": N_("Discount for so many pieces"),
        "hallmark": N_("Hallmark"),
        "tax": N_("Tax"),
    },
    "case_kind": {"return": N_("Return"), "complaint": N_("Complaint")},
    "case_wish": {"return": N_("I want to return it"), "complaint": N_("Something is wrong")},
    "case_reason": {
        "does_not_fit": N_("it does not fit"),
        "damaged": N_("it is damaged"),
        "not_as_ordered": N_("it is not as ordered"),
        "late": N_("it is too late"),
        "other": N_("another reason"),
    },
    "case_state": {
        "open": N_("we are looking into it"),
        "answered": N_("we wait for your answer"),
        "accepted": N_("accepted"),
        "refused": N_("refused"),
        "closed": N_("closed"),
    },
    "case_step": {
        "answered": N_("asked"),
        "accepted": N_("accepted"),
        "refused": N_("refused"),
        "closed": N_("closed"),
    },
    "notice": {
        "order-received": N_("that your order is with us"),
        "price-question": N_("that the price needs your word"),
        "order-approved": N_("that your order is confirmed"),
        "order-shipped": N_("that your order is on its way"),
        "order-closed": N_("that your order has arrived"),
        "order-cancelled": N_("that your order is cancelled"),
        "order-rejected": N_("that we cannot make your order"),
        "price-failed": N_("that your order has no price as it is"),
        "seller-wrote": N_("that a seller asks you something"),
    },
    "notice_state": {
        "sent": N_("sent"),
        "waiting": N_("on its way to the post"),
        "refused": N_("your post took no letter from us"),
        "given_up": N_("could not be delivered"),
    },
    "letters_in": {"ru": N_("Russian"), "en": N_("English")},
}

WHYS = {"Sold out:": "sold-out", "The customer did not agree": "declined"}
"""How the orchestrator's own reasons begin, and what we call them; what else there is was written by a person, or by pricing."""


def why_of(reason: str | None) -> str:
    """The name of the orchestrator's reason; empty for any other."""
    return next((name for words, name in WHYS.items() if reason and reason.startswith(words)), "")
