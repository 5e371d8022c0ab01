Feature: A seller decides what is made
  Every priced order passes a seller, who approves it or says why not.

  @synthetic @pages
  Scenario: A seller rejects an order, and the customer reads why
    Given Anna has an order that is priced
    When seller Maria rejects the order: "the prongs are too thin to hold a stone"
    Then the order becomes rejected
    And the order says why: "the prongs are too thin to hold a stone"
    And the order is not in the queue of seller Maria

  @pages
  Scenario: A seller finds an order by what the customer knows
    Given Anna has an order that is priced
    Then seller Maria finds the order by its number and by the e-mail of Anna

  @pages
  Scenario: Sellers see what operators do
    Given Anna has an order that is approved
    When operator Oleg takes the order
    Then seller Maria sees the order as being made
    When operator Oleg finishes the piece
    Then seller Maria sees the order as made

  @pages @exclusive
  Scenario: An open queue tells by itself what waits, and what a colleague decided
    Given seller Maria has the queue of approvals open
    And Anna has an order that is priced
    Then the order appears in the open queue of seller Maria at once
    When seller Sofia approves the order
    Then the open queue of seller Maria shows at once that Sofia decided

  @pages @pins_behaviour @owner:olga @long
  Scenario: Two sellers cannot decide differently about one order
    The API refused it all along; written down when sellers got pages, which have to say the same.
    Given Anna has an order that is priced
    When seller Maria approves the order
    And seller Sofia tries to reject the order: "the prongs are too thin to hold a stone"
    Then it is refused, because it is too late

  @pages
  Scenario: A seller asks for a change, and the customer answers
    Given Anna has an order that is priced
    When seller Maria asks Anna: "may the band be a millimetre wider?"
    And Anna answers: "yes, please"
    Then seller Maria reads the answer: "yes, please"
    And the order waits in the queue of seller Maria
    When seller Maria approves the order
    Then the order becomes approved
