"""What the end-to-end tests and the lab share: the agent, clients, networks and machines."""
