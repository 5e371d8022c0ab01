Feature: An order's whole road is seen in one place
  From the click that ordered it to the carrier's word, an order is one trace: whoever knows its number finds everything that was done for it.

  @pages
  Scenario: An order's road from the click to the carrier is one trace
    Given Anna has an order that is closed
    Then support follows the order from its number in two clicks and sees one unbroken road through:
      | whom              |
      | shop              |
      | status keeper     |
      | pricing           |
      | sellers' system   |
      | operators' system |

  @pages @long
  Scenario: A message that fails is seen on the road of its order, attempt by attempt
    Given a message about an order of Anna fails in the sellers' system as often as it is tried
    Then support sees on the road of the order how often the message was tried, and that it was set aside

  @pages @long
  Scenario: What fails again and again is one failure
    Given a message about an order of Anna fails in the sellers' system as often as it is tried
    And a message about an order of Boris fails in the sellers' system as often as it is tried
    Then the administrators see it as one failure that hit 2 orders

  @pages
  Scenario: Where the time of orders goes
    Given Anna has an order that is closed
    Then administrator Ada sees how long orders stayed in each status, and how long each service worked on them:
      | status       |
      | submitted    |
      | priced       |
      | approved     |
      | being made   |
      | made         |
      | being packed |
      | shipped      |
