"""Several BGP speakers on the same table with the same receiver, turn by turn, and one table of what they took."""
