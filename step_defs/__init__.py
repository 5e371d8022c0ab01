"""The judge of the running system: scenarios in business words, over HTTP, AMQP and containers."""
