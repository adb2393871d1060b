"""The conditions on V by class of system, and the verdict on what was found."""
