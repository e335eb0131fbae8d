"""What Secciones is about, as values and rules: no input, no output, the standard library alone."""
