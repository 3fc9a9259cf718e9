"""Looks at this machine, and at what songdesk keeps on it, and says what is wrong and how to mend it."""
