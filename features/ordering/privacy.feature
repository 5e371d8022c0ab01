Feature: What is mine is nobody else's business
  Orders and prices belong to the customer who made them.

  Scenario: Another customer's order is invisible
    Given Anna has an order that is submitted
    When Boris tries to open the order
    Then it is refused, because there is no such order
    And Boris has 0 orders

  Scenario: Another customer's price cannot be used
    Given Anna asks what a plain ring costs in silver 925
    When Boris tries to order a plain ring at the price made for Anna
    Then it is refused, because there is no such quote
