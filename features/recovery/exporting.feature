Feature: What support saw becomes a scenario that a developer can run
  The story of an order leads to its road as a test: it fails while the defect is there, and passes when it is mended.

  @pages @long
  Scenario: The road of an order in order is run again
    Given Anna puts these pieces into the order:
      | piece                | material | quantity | ring size |
      | pave ring            | gold 585 | 2        | 17.5      |
      | silver drop earrings |          | 1        |           |
    When Anna submits the order
    And seller Maria approves the order
    Then the order becomes approved
    When seller Maria exports the order as a scenario
    Then a developer runs the exported scenario, and it passes

  @exclusive @pages @long
  Scenario: An order that hangs fails its scenario until the defect is mended
    Given Anna has an order that is approved
    And the operators' system is away
    When seller Maria cancels the order: "the customer called"
    Then seller Maria reads that a service does not answer, and what to do
    When seller Maria exports the order as a scenario
    Then a developer runs the exported scenario, and it fails where the order hangs
    When the operators' system is back
    Then the order becomes cancelled
    And a developer runs the exported scenario, and it passes
