"""Triton's side of the kernels; modules here import Triton alone and hold nothing but kernels."""
