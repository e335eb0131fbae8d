"""The library that all functions of Secciones share; staged into each of them."""
