Feature: A partner's order arrives once, and the partner knows
  Partners order through an interface. What they send is never lost, never doubled, and they hear of every step.

  @proposed @owner:dmitry @until:2027-06-30
  Scenario: A partner repeats an order fifty times and has one
    Given the partner Silverline was told that its order got no answer
    When it sends the same order 50 times at once
    Then Silverline has 1 order

  @proposed @owner:dmitry @until:2027-06-30
  Scenario: A partner that was away hears every step of the last month
    Given the partner Silverline heard nothing for 30 days
    When it asks for what it missed
    Then it gets every step of each of its orders, in order and once

  @proposed @owner:dmitry @until:2027-06-30
  Scenario: One partner's burst does not slow another
    Given the partner Silverline sends ten times what was agreed
    When the partner Goldhand orders as always
    Then Silverline is told to slow down and when to come back
    And Goldhand and our own customers notice nothing

  @proposed @owner:dmitry @until:2027-06-30
  Scenario: A partner is told half a year before an interface goes away
    Given the partner Silverline uses an interface that has a successor
    When it orders through it
    Then it is told the last day of that interface, at least 6 months ahead
