"""peeringd's budgets, each beside what it takes."""
