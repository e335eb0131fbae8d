"""The whole service on one machine: stand-ins that speak the real services' APIs, and what starts them."""
