Feature: We hear of a failure before anybody has to tell us
  What goes wrong is told to whoever is on call, on the page of alerts and by mail: what it is, where, what to do, and when it is over.

  @exclusive @long
  Scenario: Whatever goes wrong is told of in its time, with its place, and told to be over when it is mended
    When all this goes wrong at once:
      | what                                      | told as                       | naming              | within |
      | a table of the shop is locked             | DatabaseLocked                | shop                | 120    |
      | a message waits for one that never comes  | MessageHeld                   | orchestrator        | 90     |
      | an order waits too long for its parcel    | OrderPastBudget               | being packed        | 60     |
      | a message cannot be read                  | DeadLetters                   | orchestrator        | 60     |
      | a message fails again and again           | MessagesParked                | crm                 | 90     |
      | a message finds no reader                 | OutboxParked                  | crm                 | 90     |
      | production does not answer a cancellation | SagaStepStuck                 | the release of work | 90     |
      | the operators' system is away             | ServiceMissing or ServiceDown | mes                 | 90     |
      | pricing cannot get to its database        | ConsumerGone                  | pricing             | 90     |
      | pricing has no figures any more           | NoData                        | pricing             | 90     |
      | what the shop says does not get away      | OutboxDoesNotDrain            | shop                | 90     |
      | the memory of sessions is away            | RedisDown                     | Redis               | 90     |
      | the storage of models is away             | StorageDown                   | storage             | 90     |
    Then whoever is on call is told of each in time, on the page of alerts and by mail
    When all of it is mended
    Then within 120 seconds whoever is on call is told that each is over

  @exclusive @long
  Scenario: What everybody stands on is gone, the page of alerts with it, and a letter comes all the same
    When all this goes wrong at once:
      | what                       | told as      | naming     | within |
      | the message broker is away | BrokerDown   | RabbitMQ   | 90     |
      | the database is away       | DatabaseDown | PostgreSQL | 90     |
    Then whoever is on call is told of each in time by mail
    When all of it is mended
    Then within 120 seconds whoever is on call is told by mail that each is over

  @pages
  Scenario: Whoever takes an alert is seen by the others
    Given Anna has an order that is priced
    Then administrator Ada reads that orders are late as priced, and what to do
    When administrator Ada takes the alert about orders that are late as priced
    Then administrator Olga sees that Ada has taken the alert about orders that are late as priced

  @pages
  Scenario: The figures of every part of the system are on one page
    Then administrator Ada sees figures of every part of the system
