"""What every service needs and none should write twice: web, database, broker, outbox, inbox, leases, telemetry, authentication."""
