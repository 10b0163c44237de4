"""The pages: one web foundation, and a room for each of the three people whom the service exists for."""
