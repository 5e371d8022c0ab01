Feature: A release takes minutes, and a bad one reaches almost nobody
  From a commit to production nobody presses a button, and every step can be taken back.

  @proposed @owner:igor @until:2027-06-30
  Scenario: A change reaches production without a human click
    Given a change that every gate accepts
    When its author merges it
    Then within 45 minutes every customer is served by it

  @proposed @owner:igor @until:2027-06-30
  Scenario: A bad release is taken back before it reaches all customers
    Given a change that passes every gate and makes orders slow
    When a small share of the customers is served by it
    Then all of them are served by the release before within minutes
    And the record says why
