"""The use cases, one a file; each reads as its story. Ports come in as arguments, domain objects go out."""
