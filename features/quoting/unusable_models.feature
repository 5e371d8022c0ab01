Feature: Models that cannot be made as they are
  A model is priced, repaired and priced, or refused with a reason that the customer can act upon.

  @pages
  Scenario Outline: No price for <what>
    When Anna asks what <what> costs in silver 925
    Then Anna gets no price, because <why>

    Examples:
      | what                                  | why                        |
      | an open shell                         | the surface is not closed  |
      | a holiday photo                       | it is not a 3D model       |
      | a ring cut short by a lost connection | the file is cut short      |
      | a ring drawn in inches                | the size makes no sense    |
      | a file without a body                 | there is nothing in it     |

  @pages
  Scenario: Whoever drew an open shell is shown where it is open
    When Anna asks what an open shell costs in silver 925
    Then Anna gets no price, because the surface is not closed
    And Anna is shown where the model is broken

  @pages
  Scenario: A customer sees how thick the walls of a model are
    When Anna asks what a pave ring costs in silver 925
    Then Anna gets a firm price
    And Anna sees how thick the walls of the model are

  @synthetic @pages
  Scenario: A ring turned inside out is repaired, and the customer is told
    When Anna asks what a ring turned inside out costs in silver 925
    Then Anna gets a firm price
    And the firm price of Anna is the estimate
    And Anna is told that the model was repaired

  @pages @long
  Scenario: A ring turned partly inside out costs more than it seemed
    When Anna asks what a ring turned partly inside out costs in silver 925
    Then the firm price of Anna is above the estimate
    And Anna is told that the model was repaired

  @pins_behaviour @owner:olga @pages
  Scenario: A ring drawn in inches has a price once its unit is said
    The price could be asked in any unit all along; scenarios could not say one before.
    Given Anna puts these pieces into the order:
      | piece                | material   | quantity | unit |
      | ring drawn in inches | silver 925 | 1        | in   |
    When Anna submits the order
    Then the order becomes priced
