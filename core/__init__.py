"""The engine side of songdesk."""
