"""Where the rows of a tracker go while a network trains: files, TensorBoard, Weights & Biases, a function.

A sink is anything with `write(step, row)`, where `row` is a mapping from column to value, and `close()`.
"""

from .csv import CSVSink
from .function import FunctionSink
from .jsonl import JSONLinesSink
from .sink import Sink, as_sink
from .tensorboard import TensorBoardSink
from .wandb import WandbSink

__all__ = ["CSVSink", "FunctionSink", "JSONLinesSink", "Sink", "TensorBoardSink", "WandbSink", "as_sink"]
