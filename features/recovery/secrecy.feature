Feature: What customers tell us stays where it is needed
  Logs, traces, figures and alerts are read by many: nobody's name, address, password or letter is in them.

  @exclusive
  Scenario: A customer's words are found nowhere but where somebody needs them
    Given every word of Anna is marked
    When the marked customer goes the whole way, mistypes a password, asks, complains, and sellers look for what they said
    And messages about their order fail, and requests of theirs are answered with errors
    Then none of their words is in:
      | place                                     |
      | the logs of all processes                 |
      | what is kept of traces and log lines      |
      | the figures                               |
      | the alerts and the letters about them     |
      | messages, but for what their readers need |
