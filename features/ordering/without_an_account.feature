Feature: Buying without an account
  Whoever likes a piece can order it at once. The order is theirs all the same, and a link tells how far it is.

  @smoke @pages
  Scenario: A visitor orders a ready-made piece and follows it by its link
    When Vera orders 1 of "silver drop earrings" without an account
    Then the order becomes priced
    And the order is promised within 21 days
    And whoever has the link of Vera sees that the order is priced, and neither name nor address
    When seller Maria approves the order
    Then the order becomes approved
    And whoever has the link of Vera sees that the order is approved, and neither name nor address

  @pages
  Scenario: A visitor who comes back later finds the cart, also without any script
    When Vera puts 1 of "silver drop earrings" into the cart without an account
    And Vera comes back when the short session has run out
    Then Vera finds "silver drop earrings" in the cart
