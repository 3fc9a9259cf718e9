"""The terminal side of songdesk."""
