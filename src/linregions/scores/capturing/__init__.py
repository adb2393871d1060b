"""Seeing the activations of a forward pass, each once, wherever they are called."""
