@pages
Feature: No approved order is forgotten
  Operators see the newest orders first; what nobody takes in time is escalated and can be given to somebody.

  @long
  Scenario: An order that nobody takes is escalated and given to an operator
    Given Anna has an order that is approved
    Then operator Oleg sees the order escalated on the board
    When seller Maria gives the order to operator Oleg
    Then operator Oleg holds the order
    And the order becomes being made
    And operator Oleg is paid once for the order

  @long
  Scenario: A seller cannot hand out work that operators may still take themselves
    Given Anna has an order that is approved
    And operator Oleg sees the order on the board
    When seller Maria tries to give the order to operator Oleg
    Then it is refused, because operators may still take it themselves

  Scenario: Operators see the newest approved orders first
    Given Anna has an order that is approved
    And Boris has an order that is approved
    Then operator Oleg sees the order on the board
    And the board of operator Oleg shows the newest approved orders first
