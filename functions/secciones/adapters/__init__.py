"""The real systems, one a file. Vendors' libraries are imported here alone, inside the functions that need them."""
