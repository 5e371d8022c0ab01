"""What is decided about spans and log lines, without IO."""
