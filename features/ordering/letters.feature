Feature: Letters about an order
  Whoever orders hears from us at every step that matters: once, in their own language, and with a link to follow the order.

  Rule: Every step that matters has its letter

    @pages
    Scenario: Letters go with an order from its first day to its last
      When Anna orders 1 of "silver drop earrings"
      Then Anna gets one letter saying that the order is received
      And the letter to Anna saying that the order is received shows the order without signing in
      And the order becomes priced
      And the order goes on to be closed
      And Anna has exactly these letters:
        | letter                  |
        | the order is received   |
        | the order is confirmed  |
        | the order is on its way |
        | the order has arrived   |

    @pages @long
    Scenario: Letters speak the customer's language
      Given Anna wants letters in Russian
      When Anna orders 1 of "silver drop earrings"
      Then the order becomes priced
      When seller Maria approves the order
      Then Anna has exactly these letters:
        | letter                 |
        | the order is received  |
        | the order is confirmed |

    @pages @long
    Scenario: A seller's question finds its customer by e-mail, and so does a rejection
      Given Anna has an order that is priced
      When seller Maria asks Anna: "may the band be a millimetre wider?"
      Then Anna gets one letter saying that a seller asks something
      When seller Maria rejects the order: "too thin to cast"
      Then Anna has exactly these letters:
        | letter                  |
        | the order is received   |
        | a seller asks something |
        | the order is rejected   |

    @pages @long
    Scenario: A cancelled order is told, and what will not be is not
      Given Anna has an order that is approved
      When Anna cancels the order
      Then Anna has exactly these letters:
        | letter                 |
        | the order is received  |
        | the order is confirmed |
        | the order is cancelled |

    Scenario: A partner follows its orders by its feed, not by letters
      Given the partner Silverline has an order that is approved
      Then no letter reaches Silverline

  Rule: Each letter comes once

    Scenario: News that comes again is written about no more
      Given news about orders is overheard
      And Anna has an order that is shipped
      When all news about the order reaches the shop twice more
      Then Anna has exactly these letters:
        | letter                  |
        | the order is received   |
        | the order is confirmed  |
        | the order is on its way |

    Scenario: A mail server that is away for a while loses nothing and doubles nothing
      Given the mail server takes no letters for Anna
      And Anna has an order that is approved
      Then no letter reaches Anna
      When the mail server takes letters for Anna again
      Then Anna has exactly these letters:
        | letter                 |
        | the order is received  |
        | the order is confirmed |
