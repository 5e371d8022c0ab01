@pages
Feature: Whoever leads the shift sees trouble before the customer does
  What will be late is foretold from the queue and the pace of the workshop, and what waits for a price is seen with its place.

  Scenario: An order that will be late is seen before it is late, and why
    Given Boris has an order that is shipped
    And Anna has an order that is approved
    When only minutes are left until the order has to be shipped
    Then seller Maria sees that the order will be late before it is late
    And seller Maria reads why: its place in the queue and the pace of the workshop

  @exclusive
  Scenario: A model that waits for its price is seen in the queue with its place
    Given nobody calculates prices
    And Anna asks for the price of a plain ring that nobody has measured yet
    Then seller Maria sees the model of Anna wait for its price, and at which place
    When prices are calculated again
    Then Anna gets a firm price
    And the model of Anna is gone from the queue that seller Maria sees
