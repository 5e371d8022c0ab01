Feature: Cancelling an order
  The customer may cancel until somebody starts to make the piece, a seller until the parcel has left.

  Rule: The customer may cancel until the making starts

    @smoke @pages
    Scenario: A customer cancels before the approval
      Given Anna has an order that is priced
      When Anna cancels the order
      Then the order becomes cancelled
      And the order is not in the queue of seller Maria

    @pages
    Scenario: A cancelled order leaves the operators' board
      Given Anna has an order that is approved
      And operator Oleg sees the order on the board
      When Anna cancels the order
      Then the order becomes cancelled
      And operator Oleg does not see the order on the board
      When operator Oleg tries to take the order
      Then it is refused, because the order was cancelled

    @pages @long
    Scenario: A customer cannot cancel what is being made
      Given Anna has an order that is being made
      When Anna tries to cancel the order
      Then it is refused, because it is too late
      And the order is still being made

  Rule: A seller may cancel until the parcel has left

    @synthetic
    Scenario: A seller cancels what is being made
      Given Anna has an order that is being made
      When seller Maria cancels the order: "the customer called"
      Then the order becomes cancelled
      And the order says why: "the customer called"

    @pages @long
    Scenario: Nobody cancels what the carrier has
      Given Anna has an order that is shipped
      When seller Maria tries to cancel the order
      Then it is refused, because it is too late
      And the order is still shipped
