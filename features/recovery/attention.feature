Feature: Somebody finds out before the customer does
  Each status has a time budget. Support sees what is late, where it hangs and what to do.

  Scenario: An order past the budget of its stage is listed as stuck
    Given Anna has an order that is priced
    Then support sees the order stuck as priced and what to do about it
    When seller Maria approves the order
    Then support does not see the order among the stuck ones any more

  Scenario: Support reads an order's whole life in one place
    Given Anna has an order that is closed
    Then support reads the whole story of the order:
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
    And all services agree about the order

  @exclusive @pages
  Scenario: A seller has an order tried again that waits for a silent service
    Given Anna has an order that is approved
    And the operators' system is away
    When seller Maria cancels the order: "the customer called"
    Then seller Maria reads that a service does not answer, and what to do
    When seller Maria has the order tried again
    Then the story of the order says that seller Maria did so
    When the operators' system is back
    Then the order becomes cancelled
