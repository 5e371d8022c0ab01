Feature: What is mine is nobody else's business
  Orders and prices belong to the customer who made them.

  @pages
  Scenario: Another customer's order is invisible
    Given Anna has an order that is submitted
    When Boris tries to open the order
    Then it is refused, because there is no such order
    And Boris has 0 orders

  @pages @long
  Scenario: Another customer's price cannot be used
    Given Anna asks what a plain ring costs in silver 925
    When Boris tries to order a plain ring at the price made for Anna
    Then it is refused, because there is no such quote

  Rule: What is mine I can see, take along and have deleted

    @pages
    Scenario: A customer sees the own models and prices, and deletes what no order needs
      Given Anna has an order that is priced
      When Anna asks what a pendant costs in gold 585
      Then Anna sees the price of own pendant in gold 585
      And Anna sees 2 own models
      When Anna deletes the model of own pendant
      Then Anna sees 1 own model

    @pages
    Scenario: The copy of one's own data is whole
      Given Anna has an order that is shipped
      When Anna takes all own data along
      Then what Anna took along tells of account, order, address, models and letters

    @pages @long
    Scenario: With an order on its way nobody's data is deleted
      Given Anna has an order that is priced
      When Anna tries to have all own data deleted
      Then it is refused, because an order is on its way
      And the order is still priced

    @pages
    Scenario: Deleted is deleted, and what was sold is accounted for
      Given Anna has an order that is closed
      When Anna has all own data deleted
      And Anna tries to sign in once more
      Then it is refused, because the e-mail or password is wrong
      And no seller finds a customer Anna
      And the order of Anna is accounted for as before, and names nobody

    @pages
    Scenario: Nothing of somebody who left is found anywhere
      Given Anna has an order that is closed
      When Anna has all own data deleted
      Then nothing of Anna is left in any database
