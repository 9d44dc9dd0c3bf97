"""What the alerts are fed stands in the model: the readers and the store speak of it too."""

from lumen.model.observation import Observation

__all__ = ["Observation"]
