@pages
Feature: Returning an order, and saying that something is wrong
  It is told on the order's page; our sellers see it before everything else, and the customer reads their word.

  Rule: What was sent may come back

    Scenario: A customer returns a piece and reads where it goes to
      Given Anna has an order that is shipped
      When Anna returns the order, because it does not fit: "size 17 would be right"
      Then seller Maria sees above the queue that the customer waits for a word
      When seller Maria accepts the return and writes: "we make you the other size"
      Then Anna reads what our sellers say: "we make you the other size"
      And Anna reads where to send it
      And seller Maria sees above the queue that the customer waits no more
      When seller Maria closes the return and writes: "it has come"
      Then Anna reads what our sellers say: "it has come"

    @long
    Scenario: Nothing comes back before it was sent
      Given Anna has an order that is priced
      When Anna tries to return the order
      Then it is refused, because it has not been sent yet

  Rule: Something may be wrong at any time

    @long
    Scenario: A customer complains, is asked, answers, and reads why not
      Given Anna has an order that is priced
      When Anna complains about the order, because it is late: "it was promised for today"
      Then seller Maria sees above the queue that the customer waits for a word
      When seller Maria asks about the complaint and writes: "which day were you told?"
      Then seller Maria sees above the queue that the customer waits no more
      When Anna answers: "the second of March"
      Then seller Maria sees above the queue that the customer waits for a word
      When seller Maria refuses the complaint and writes: "it is promised for the tenth"
      Then Anna reads what our sellers say: "it is promised for the tenth"
