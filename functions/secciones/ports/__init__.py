"""What the use cases need of the outside, without a vendor's word. Each docstring is a promise of every adapter."""
