Feature: Support needs one search
  Whatever a caller can say of an order leads to its whole story.

  @pages @long
  Scenario Outline: Support finds the story of an order by its <clue>
    Given the partner Silverline has an order that is shipped
    When support searches for the <clue> of the order
    Then support reads its statuses, messages, retries and what to do next on one page

    Examples:
      | clue                 |
      | number               |
      | e-mail               |
      | phone                |
      | name                 |
      | partner reference    |
      | number on the parcel |
