@pages
Feature: What making a piece pays
  Administrators set the rates. Who takes work is paid by the rate that holds at that moment, and what was earned stays.

  @long
  Scenario: A new rate pays from its moment on and changes nothing before
    Given Anna orders a plain ring in own alloy
    And seller Maria approves the order
    And operator Oleg takes the order
    When the administrator sets a rate for the own alloy that begins in a moment: 1000 for a piece and 100 for a gram
    And the rate for the own alloy begins
    Then operator Oleg has earned 600 for the piece and 40 for each gram
    When operator Oleg returns the order: "the end of the shift"
    And operator Olga takes the order
    Then operator Olga has earned 1000 for the piece and 100 for each gram

  @long
  Scenario: A rate for tomorrow changes nothing today, and can be withdrawn
    Given Anna orders a plain ring in own alloy
    And seller Maria approves the order
    And operator Oleg sees the order on the board
    When the administrator plans a rate for the own alloy from tomorrow on: 1000 for a piece and 100 for a gram
    And operator Oleg takes the order
    Then operator Oleg has earned 600 for the piece and 40 for each gram
    When the administrator withdraws the planned rate: "a slip of the keyboard"
    Then no rate is planned for the own alloy any more
