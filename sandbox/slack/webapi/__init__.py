"""The Web API: one file per family of methods, and `dispatch`, which every call passes through."""
