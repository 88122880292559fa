"""What was tried, what became of it, and what is left: one SQLite file a workspace."""

from .ledger import Ledger, Origin, StateCount
from .rows import State

__all__ = ["Ledger", "Origin", "State", "StateCount"]
