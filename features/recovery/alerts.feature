Feature: We hear of a failure before anybody has to tell us
  Time budgets and silent services raise an alert by themselves, and the alert names the place.

  @proposed @owner:olga @until:2027-06-30
  Scenario: A late stage raises an alert that names it
    Given Anna has an order that is priced
    And no seller approves it within the time that stage may take
    Then within 5 minutes somebody on call is told that the order is stuck as priced

  @proposed @owner:olga @until:2027-06-30
  Scenario: A service that falls silent raises an alert
    Given every service, database and broker shows its figures
    When the operators' system answers nobody any more
    Then somebody on call is told which service it is and what to do
