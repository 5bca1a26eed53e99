from tests.engine.fakes import world

__all__ = ["world"]
