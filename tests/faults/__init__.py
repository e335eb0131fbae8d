"""The proof that nothing is lost: faults of every kind at every call, and a checker that believes only histories."""
