"""What services promise each other and the world, frozen: OpenAPI per service, JSON Schema per message."""
