Feature: An order for a customer's own model
  A customer designs a piece, we make it, and at every moment everybody knows where it is.

  @smoke @pages
  Scenario: A customer's own model becomes a ring at the customer's door
    When Anna orders a pave ring in gold 585
    Then the order becomes priced
    And the order is promised within 21 days
    And the order waits in the queue of seller Maria
    When seller Maria approves the order
    Then the order becomes approved
    And the order is not in the queue of seller Maria
    When operator Oleg takes the order
    Then the order becomes being made
    When operator Oleg finishes the piece
    Then the order becomes made
    When operator Oleg packs the piece
    Then the order becomes being packed
    When operator Oleg ships the piece
    Then the order becomes shipped
    And the customer sees the parcel
    When the carrier reports the delivery
    Then the order becomes closed
    And operator Oleg is paid once for the order
    And all services agree about the order

  @synthetic
  Scenario: The customer sees each status of the order
    Given Anna has an order that is closed
    Then the order has gone this way:
      | status       |
      | started      |
      | with a model |
      | submitted    |
      | priced       |
      | approved     |
      | being made   |
      | made         |
      | being packed |
      | shipped      |
      | closed       |

  @pages @long
  Scenario: The same press of the button twice makes one order
    Given Anna orders a plain ring in silver 925
    When Anna submits the same order once more
    Then the order becomes priced
    And Anna has 1 order
    And the order had each status once

  # By the API alone: the page of an empty cart has no form.
  Scenario: An empty order cannot be submitted
    Given Anna has an order that is started
    When Anna tries to submit the order
    Then it is refused, because the order is empty
    And the order is still started

  @pages
  Scenario: A customer cannot agree to a price that nobody showed
    Given Anna puts a plain ring in silver 925 into the order
    When Anna tries to submit the order for a price nobody showed
    Then it is refused, because the price is another one

  # By the API alone: the page has no button for what has no price.
  Scenario: A model without a price cannot be ordered
    Given Anna puts an open shell in silver 925 into the order
    When Anna tries to submit the order
    Then it is refused, because the model has no price
