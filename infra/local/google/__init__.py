"""A stand-in for Google: sign-in, Directory, Gmail, IAM Credentials and Cloud KMS over one sample state.

One process serves all of them, because what matters is that they agree: a password that the
Directory was told is the one that the sign-in page accepts, and a mail that Gmail was handed is
the one that its reader finds. How to start it stands in `__main__`.
"""
