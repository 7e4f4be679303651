"""What happens: ships, containers and trains in a port, whether anybody looks or not."""
