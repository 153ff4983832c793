from paretoscope.api.compress import compress as compress
from paretoscope.api.frontier import frontier as frontier
from paretoscope.recipes.recipe import Recipe as Recipe

__version__: str
__all__ = ["Recipe", "compress", "frontier"]
