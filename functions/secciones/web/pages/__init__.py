"""The handlers, one module a group of pages: parse, call one service, render."""
