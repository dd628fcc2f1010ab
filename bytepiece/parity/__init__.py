"""Parity: whether other libraries encode like this one with the same model.

- `conversion`: writes a model in another library's format, and checks what that library makes of it
- `comparison`: compares two encoders on the same lines, and finds the cause of each difference
"""
