"""Parts of `repair` and `train`: floating-point proposals only; what is proved is proved by `verify`."""
