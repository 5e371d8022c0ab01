Feature: Messages that come twice, late, in the wrong order or damaged
  Whatever happens to a message on its way, it takes effect once, in its turn, or people see it.

  Scenario: A message delivered five times acts once
    Given approvals are overheard
    And Anna has an order that is priced
    When seller Maria approves the order
    Then the order becomes approved
    When the approval is delivered 4 times more
    Then the order is on the board once and stays so
    And the order had each status once
    When operator Oleg takes the order
    Then operator Oleg is paid once for the order
    And all services agree about the order

  Scenario Outline: Old news that comes late turns nothing back (<where>)
    Given news about orders is overheard
    And Anna has an order that is being made
    When the oldest news about the order reaches the <where> only now
    Then the order is still being made
    And seller Maria sees the order as being made
    And all services agree about the order

    Examples:
      | where           |
      | shop            |
      | sellers' system |

  @exclusive
  Scenario: Messages that arrive in reverse order take effect in their own
    Given Anna has an order that is approved
    And the service that keeps statuses is away
    When operator Oleg takes the order
    And operator Oleg finishes the piece
    And the 2 messages about it arrive in reverse order
    Then the order becomes made
    And the order has gone this way:
      | status       |
      | started      |
      | with a model |
      | submitted    |
      | priced       |
      | approved     |
      | being made   |
      | made         |

  @exclusive @pages
  Scenario: A damaged message is set aside, shown, repaired and delivered
    Given Anna has an order that is priced
    And the order waits in the queue of seller Maria
    And the service that keeps statuses is away
    When seller Maria approves the order
    And the approval is damaged on its way
    Then support sees the damaged message and what is wrong with it
    And the order is still priced
    When support repairs the message and has it delivered again
    Then the order becomes approved
    And nothing about the order is set aside any more
    And the order goes on to be closed
