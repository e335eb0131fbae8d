"""A stand-in for SIGES: serves the sample registry as infra/siges-openapi.yaml says, flaws of the data included."""
