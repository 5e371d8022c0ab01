Feature: A seller decides what is made
  Every priced order passes a seller, who approves it or says why not.

  @synthetic
  Scenario: A seller rejects an order, and the customer reads why
    Given Anna has an order that is priced
    When seller Maria rejects the order: "the prongs are too thin to hold a stone"
    Then the order becomes rejected
    And the order says why: "the prongs are too thin to hold a stone"
    And the order is not in the queue of seller Maria

  Scenario: A seller finds an order by what the customer knows
    Given Anna has an order that is priced
    Then seller Maria finds the order by its number and by the e-mail of Anna

  Scenario: Sellers see what operators do
    Given Anna has an order that is approved
    When operator Oleg takes the order
    Then seller Maria sees the order as being made
    When operator Oleg finishes the piece
    Then seller Maria sees the order as made
