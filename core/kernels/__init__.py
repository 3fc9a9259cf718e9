"""The arithmetic everything stands on; imports torch (and later triton) and nothing of ours."""
