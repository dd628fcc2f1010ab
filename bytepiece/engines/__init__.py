"""Engines that apply stages on other machines: `RayEngine` and `SparkEngine`.

`bytepiece.parallel.Engine` says what an engine is. Ray and Spark are imported when an engine is
first called.
"""

from bytepiece.engines.ray import RayEngine
from bytepiece.engines.spark import SparkEngine

__all__ = ["RayEngine", "SparkEngine"]
