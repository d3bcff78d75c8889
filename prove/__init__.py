"""Long proofs: what is too slow for every change, and must hold all the same."""
