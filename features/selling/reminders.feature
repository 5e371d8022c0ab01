@pages
Feature: Sellers keep their word
  What was promised on the telephone comes back at its time, to whoever promised it, and what one seller knows the others read.

  @long
  Scenario: A reminder comes due and is seen
    Given Anna has an order that is priced
    When seller Maria sets a reminder on the order: "call Anna about the size"
    Then seller Maria is reminded of the order: "call Anna about the size"
    When seller Maria marks the reminder as done
    Then seller Maria is not reminded of the order

  Scenario: A seller asks a colleague to see to an order
    Given Anna has an order that is priced
    When seller Maria asks seller Sofia to see to the order: "ask for the ring size"
    Then seller Sofia is reminded of the order: "ask for the ring size"
    And seller Maria is not reminded of the order

  @long
  Scenario: What one seller notes the others read, and the customer never does
    Given Anna has an order that is priced
    When seller Maria notes on the order: "a surprise, call the sister only"
    Then seller Sofia reads the note: "a surprise, call the sister only"
    And Anna does not see the note: "a surprise, call the sister only"

  @long
  Scenario: A seller sees all that a customer ordered
    Given Anna has an order that is priced
    And Anna has an order that is submitted
    Then seller Maria finds all orders of Anna in one place
