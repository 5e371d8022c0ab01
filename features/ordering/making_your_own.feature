Feature: Making one's own
  Whoever has a model sends it, sees at once what it costs, and orders it with as few movements of the hand as can be.

  Rule: From the front page to the order in nine actions

    @pages
    Scenario: A visitor has a piece made after a model of their own
      When Vera has a plain ring of her own made without an account
      Then the order becomes priced
      And Vera did no more than 9 things for it: presses, and fields filled in
      And the order is promised within 21 days
      And whoever has the link of Vera sees that the order is priced, and neither name nor address

  Rule: What was sent is not sent again

    @pages
    Scenario: An upload that broke off goes on where it was
      Given the connection breaks off while Anna sends a pave ring
      When Anna chooses the same file again
      Then only what was missing is sent, and the model of Anna is whole
      When Anna asks what a pave ring costs in gold 585
      Then Anna gets a firm price

  Rule: However often somebody presses, it is one order

    @pages
    Scenario: A double press, the way back and a second tab make one order
      Given Anna asks what a pave ring costs in silver 925
      When Anna orders it with a double press, after going back, and from another tab
      Then there is one piece in the cart of Anna
      When Anna submits the order
      Then the order becomes priced
      And Anna has 1 order
      And the order had each status once

    @pages @long
    Scenario: The connection breaks while an order is sent, and sent again it is one order
      Given Anna asks what a pave ring costs in silver 925
      When Anna orders it with a double press, after going back, and from another tab
      And Anna submits the order, and the connection breaks before the answer
      And Anna submits the same order once more
      Then the order becomes priced
      And Anna has 1 order
      And the order had each status once
