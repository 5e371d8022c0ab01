Feature: Whose price is calculated next
  However many models one of them sends, everybody who waits for a price has an equal share of the workers.

  @exclusive
  Scenario: One customer's many models do not hold up another customer's one
    Given nobody calculates prices
    And Boris asks for the prices of 5 models like a plain ring that nobody has measured yet
    And Anna asks for the price of a plain ring that nobody has measured yet
    Then the model of Anna waits for no more than one of those of Boris
    When prices are calculated again
    Then Anna gets a firm price
