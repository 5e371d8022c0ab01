"""Pure building blocks: money, ids, clock, errors. Imports nothing that does IO."""
