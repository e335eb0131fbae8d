"""Pages: routes, sessions, forms, rendering and errors."""
