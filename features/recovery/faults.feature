Feature: Faults strike while people are at work
  What the fault matrix does by the hundred, one at a time: orders go on, nothing is lost, nothing is done twice.

  @exclusive
  Scenario: Two operators take an order while their system restarts, and only one is paid
    Given Anna has an order that is approved
    When operators Oleg and Olga take the order while the operators' system dies and comes back
    Then one of them has the order and the other is told who
    And only the one who has it is paid
    And the order becomes being made
    And all services agree about the order

  Scenario: A cancellation overtakes the price, and the order stays cancelled
    Given Anna puts a plain ring in silver 925 into the order
    When Anna submits the order and cancels it in the same moment
    Then the order becomes cancelled
    And the order had each status once
    And all services agree about the order

  @exclusive
  Scenario: A broker without room delays an order and loses nothing
    Given Anna has an order that is priced
    And the order waits in the queue of seller Maria
    And the message broker has no room
    When seller Maria approves the order
    Then the order is still priced
    When the message broker has room again
    Then the order becomes approved
    And the order goes on to be closed
    And the order had each status once

  Scenario: Everything that was said about an order comes ten times more, and nothing happens twice
    Given everything that is said about orders is overheard
    And Anna has an order that is approved
    And operator Oleg takes the order
    And the order becomes being made
    When everything said about the order is delivered 10 times more, shuffled
    Then the order is still being made
    And the order had each status once
    And operator Oleg is paid once for the order
    And all services agree about the order

  Scenario: Messages that nobody can read hold up none of the others
    Given everything that is said about orders is overheard
    And Anna has an order that is priced
    When 3 messages about the order that nobody can read come among the others
    And seller Maria approves the order
    Then the order becomes approved
    And support sees 3 unreadable messages about the order, each with its reason
    When support mends the unreadable messages and has them delivered
    Then nothing about the order is set aside any more
    And the order had each status once
    And all services agree about the order
