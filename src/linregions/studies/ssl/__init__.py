"""The study of self-supervised learning: small encoders, methods that train them, and what is measured on the way.

encoders, augment    what is trained, and how two views of an image are made
learner              what a method is; contrastive, distillation, correlation, controls: one file for each family
registry             `METHODS`, by name
training             `pretrain`: one run, with checkpoints
evaluation           `evaluate`: how good features are, by neighbours, class means and a linear probe
claims               the tests T1 to T5 on what was recorded
"""
