Feature: No price without the customer's consent
  The price shown before the order binds us within five percent. Above that, or when it expired or the metal price moved,
  the order waits for the customer's word.

  Rule: The estimate binds within five percent

    @pages @long
    Scenario: A firm price above the estimate waits for the customer
      When Anna orders a ring turned partly inside out in silver 925 at the estimate
      Then the customer is asked about the new price, because it is above the estimate
      When Anna agrees to the new price
      Then the order becomes priced

    @pages @long
    Scenario: A customer who declines the new price owes nothing
      Given Anna orders a ring turned partly inside out in silver 925 at the estimate
      And the order becomes waiting for the customer
      When Anna declines the new price
      Then the order becomes cancelled

    @pages
    Scenario: A firm price within the estimate asks nobody
      When Anna orders a plain ring in silver 925 at the estimate
      Then the order becomes priced

  Rule: A quote holds for a day and while the metal price stays put

    @pages
    Scenario: The metal got dearer after the price was asked
      Given Anna puts a plain ring in own alloy into the order
      And the metal of the own alloy gets 4 % dearer
      When Anna submits the order
      Then the customer is asked about the new price, because the metal price moved
      When Anna agrees to the new price
      Then the order becomes priced

    @pages @long
    Scenario: A small move of the metal price changes nothing for the customer
      Given Anna puts a plain ring in own alloy into the order
      And the metal of the own alloy gets 0.5 % dearer
      When Anna submits the order
      Then the order becomes priced

    @pages @long
    Scenario: A quote that expired is made anew
      Given Anna puts a plain ring in own alloy into the order
      And the metal of the own alloy gets 1.5 % dearer
      And the quote of Anna expires
      When Anna submits the order
      Then the customer is asked about the new price, because the quote expired

  Rule: What can no longer be priced says so

    @pages @long
    Scenario: The alloy was withdrawn before the order was confirmed
      Given Anna puts a plain ring in own alloy into the order
      And the own alloy is no longer offered
      And the quote of Anna expires
      When Anna submits the order
      Then the order becomes without a price
