Feature: Support needs one search
  Whatever a caller can say of an order leads to its whole story.

  @proposed @owner:olga @until:2027-06-30
  Scenario Outline: Support finds the story of an order by its <clue>
    Given the partner Silverline has an order that is being made
    When support searches for the <clue> of the order
    Then support reads its statuses, messages, retries and what to do next on one page

    Examples:
      | clue              |
      | number            |
      | e-mail            |
      | partner reference |
